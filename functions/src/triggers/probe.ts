import { app } from "@azure/functions";
import { getApp } from "../compose.ts";
import { entities } from "../platform/messages.ts";

app.timer("probe", {
  schedule: "30 */5 * * * *",
  handler: async () => {
    const { probe, serviceBus } = await getApp();
    await serviceBus.sender.send(entities.integrationEvents, probe.messages());
  },
});
