import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import type { HopStart, Telemetry } from "../../functions/src/platform/telemetry.ts";

export interface Told {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string | number>>;
  readonly measurements: Readonly<Record<string, number | undefined>>;
}

export interface RecordedHop extends HopStart {
  readonly traceparent: string;
  readonly code: string;
}

/** Keeps what is told, for a test to look at. */
export function recordTelemetry(): {
  readonly telemetry: Telemetry;
  readonly events: Told[];
  readonly metrics: (Told & { readonly value: number })[];
  readonly hops: RecordedHop[];
} {
  const events: Told[] = [];
  const metrics: (Told & { readonly value: number })[] = [];
  const hops: RecordedHop[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    event: (name, dimensions, measurements) => {
      events.push({ name, dimensions, measurements: measurements ?? {} });
    },
    metric: (name, value, dimensions) => {
      metrics.push({ name, value, dimensions, measurements: {} });
    },
    startHop: (start) => {
      const { traceparent } = silentTelemetry.startHop(start);
      return { traceparent, end: ({ code }) => hops.push({ ...start, traceparent, code }) };
    },
  };
  return { telemetry, events, metrics, hops };
}
