import { app } from "@azure/functions";
import { getApp } from "../compose.ts";

// The API begins a replay at once; this finds those whose process has gone, within a minute.
app.timer("replay-runner", {
  schedule: "30 * * * * *",
  handler: async () => {
    const { replays } = await getApp();
    await replays.runAll();
  },
});
