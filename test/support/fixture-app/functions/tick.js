import { app } from "@azure/functions";

let runs = 0;

app.timer("tick", {
  schedule: "0 */5 * * * *",
  handler: (timer) => {
    runs += typeof timer.isPastDue === "boolean" ? 1 : 0;
  },
});

app.http("ticks", { handler: () => ({ jsonBody: runs }) });
