import { app } from "@azure/functions";
import { getApp } from "../compose.ts";
import { runRetention } from "../recovery/retention/run-retention.ts";

// Every night; what one run has no time for, the next ones of the same night go on with.
app.timer("retention", {
  schedule: "0 10 1-4 * * *",
  handler: async () => {
    const { retention } = await getApp();
    await runRetention(retention);
  },
});
