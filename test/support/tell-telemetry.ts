// The function app's telemetry in a process of its own, bundled as it is deployed: tells what
// TELL_COUNT says, flushes, and prints how long each took and what the connect guard refused.
import { createApplicationInsights } from "../../functions/src/platform/application-insights.ts";
import { toRootTraceparent } from "../../functions/src/platform/trace.ts";

const eventId = "0b9ee8a6-58e7-4b6a-9d3c-000000000001";
const count = Number(process.env["TELL_COUNT"]);
const failures: string[] = [];
const telemetry = createApplicationInsights({
  connectionString: process.env["APPLICATIONINSIGHTS_CONNECTION_STRING"] ?? "",
  credential: {
    getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
  },
  onFailure: (error) => failures.push(String(error)),
});

const startedAt = performance.now();
const intake = telemetry.startHop({
  name: "deliver intake",
  parent: toRootTraceparent(eventId),
  attributes: { eventId },
});
const first = telemetry.startHop({
  name: "deliver ce",
  parent: intake.traceparent,
  attributes: { eventId, target: "ce", hop: 1 },
});
first.end({ success: false, code: "retry" });
const again = telemetry.startHop({
  name: "deliver ce",
  parent: intake.traceparent,
  follows: first.traceparent,
  attributes: { eventId, target: "ce", hop: 2 },
});
again.end({ success: true, code: "delivered" });
intake.end({ success: true, code: "delivered" });
for (let index = 0; index < count; index += 1) {
  telemetry.event("received", { eventId });
  telemetry.metric("causeway.accepted", 1, { flow: "invoice-posted" });
}
telemetry.metric("causeway.accepted", 3, { flow: "another" });
telemetry.metric("causeway.backlog.age", 7, { target: "ce" });
telemetry.metric("causeway.backlog.age", 5, { target: "ce" });
telemetry.error(new TypeError("no account for anna@example.com"), { target: "ce" });
const toldMs = performance.now() - startedAt;
await telemetry.flush();
const flushedMs = performance.now() - startedAt;
// On a busy machine the SDK itself may take longer to load than a flush waits.
if (process.env["TELL_UNTIL_SENT"] === "true") {
  for (let times = 0; times < 6; times += 1) await telemetry.flush();
}

const refused: unknown = Reflect.get(globalThis, Symbol.for("causeway.connect-guard"));
const hops = [intake, first, again].map(({ traceparent }) => traceparent);
process.stdout.write(JSON.stringify({ toldMs, flushedMs, hops, failures, refused }));
process.exit(0);
