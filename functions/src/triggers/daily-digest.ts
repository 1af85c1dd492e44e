import { app } from "@azure/functions";
import { getApp } from "../compose.ts";

// 06:00 UTC: before work begins in Europe. Runs missed meanwhile are made up for by the host.
app.timer("daily-digest", {
  schedule: "0 0 6 * * *",
  handler: async () => {
    const { notices } = await getApp();
    await notices.sendDigest();
  },
});
