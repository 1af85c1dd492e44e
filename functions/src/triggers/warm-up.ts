import { app } from "@azure/functions";
import { getApp } from "../compose.ts";

// Flows, schemas and settings are read before the first event instead of while it waits. What fails here
// fails again, and is told, at the first invocation.
app.hook.appStart(async () => {
  const app = await getApp().catch(() => undefined);
  // In the background: a start must not wait for it. Errors are told by the runner; the timer tries again.
  app?.replays.takeOver().catch(() => undefined);
});
