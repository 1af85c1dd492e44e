import { app } from "@azure/functions";
import { getApp } from "../compose.ts";

app.timer("notify-owners", {
  schedule: "15 */5 * * * *",
  handler: async () => {
    const { notices } = await getApp();
    await notices.sendDue();
  },
});
