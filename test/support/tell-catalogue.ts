// Everything that the catalogue names, told once by the function app's own telemetry, bundled as it is deployed.
import { createApplicationInsights } from "../../functions/src/platform/application-insights.ts";
import {
  telemetryEvents,
  telemetryMetrics,
} from "../../functions/src/platform/telemetry-catalogue.ts";

const eventId = "0b9ee8a6-58e7-4b6a-9d3c-000000000001";
const telemetry = createApplicationInsights({
  connectionString: process.env["APPLICATIONINSIGHTS_CONNECTION_STRING"] ?? "",
  credential: {
    getToken: () => Promise.resolve({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 }),
  },
  onFailure: (error) => process.stderr.write(String(error)),
});

/** The catalogue's types ask for each one's own names, which only its data knows here. */
type Untyped = (name: string, dimensions: unknown, measurements: unknown) => void;
const untyped = telemetry as unknown as { readonly event: Untyped; readonly metric: Untyped };

const valuesOf = (names: readonly string[], value: string | number): object =>
  Object.fromEntries(names.map((name) => [name, name === "eventId" ? eventId : value]));

for (const [name, { dimensions, measurements }] of Object.entries(telemetryEvents)) {
  untyped.event(name, valuesOf(dimensions, "told"), valuesOf(measurements, 1));
}
for (const [name, { dimensions }] of Object.entries(telemetryMetrics)) {
  untyped.metric(name, 1, valuesOf(dimensions, "told"));
}
telemetry.error(new TypeError("x"), { name: "told" });
// A flush waits four seconds for the SDK to load, which takes longer on a busy machine.
for (let times = 0; times < 8; times += 1) await telemetry.flush();
process.stdout.write("{}");
process.exit(0);
