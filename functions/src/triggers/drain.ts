import { app } from "@azure/functions";
import { getStartedApp } from "../compose.ts";

// The host calls it before it ends the process (an update, scaling in, a restart), after the last invocation:
// what was told in the last seconds would otherwise end with it. It takes as long as a flush may take.
app.hook.appTerminate(async () => {
  const on = await getStartedApp();
  await on?.flush();
});
