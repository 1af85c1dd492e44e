// A process as the function app is: the unchanged SDK, one of each kind of telemetry, then the end.
import { trace } from "@opentelemetry/api";
import appInsights from "applicationinsights";

appInsights.setup(process.env.APPLICATIONINSIGHTS_CONNECTION_STRING).start();
const client = appInsights.defaultClient;
// A consumer span's own name is lost on the way; the SDK sends this attribute in its place.
const options = { kind: 4, attributes: { "ai.operation.name": "deliver ce" } };
await trace.getTracer("test").startActiveSpan("deliver ce", options, async (span) => {
  client.trackEvent({ name: "Delivered", properties: { target: "ce" }, measurements: { ms: 12 } });
  client.trackTrace({ message: "a line" });
  client.trackException({ exception: new TypeError("no such column") });
  client.trackMetric({ name: "hops", value: 3 });
  span.end();
});
await client.flush();
const refused = globalThis[Symbol.for("causeway.connect-guard")];
process.stdout.write(JSON.stringify(refused));
process.exit(0);
