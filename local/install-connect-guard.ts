import { installConnectGuard } from "./connect-guard.ts";

// A module of its own, so that it is in force before any other module is loaded.
await installConnectGuard();
