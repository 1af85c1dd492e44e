// The SDK's language runner, as an entry of a bundle that it shares with the program (`run-engine.ts`).
import "@pulumi/pulumi/cmd/run/index.js";
