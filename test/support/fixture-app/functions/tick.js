import { app } from "@azure/functions";

let runs = 0;

app.timer("tick", {
  // By hand in the tests; a schedule that comes while they run would count as well.
  schedule: "0 0 0 1 1 *",
  handler: (timer) => {
    runs += typeof timer.isPastDue === "boolean" ? 1 : 0;
  },
});

app.http("ticks", { handler: () => ({ jsonBody: runs }) });
