/*
 * Telemetry over Application Insights. The SDK takes half a second to load and 60 MB, so it is loaded
 * beside the first work and not before it: what is told until then is kept (bounded) and sent after.
 */
import { context, metrics, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Histogram } from "@opentelemetry/api";
import type { TokenCredential } from "@azure/identity";
import type { TelemetryClient } from "applicationinsights";
import { createBoundedDimensions } from "./bounded-dimensions.ts";
import { createUnrecordedHop } from "./telemetry.ts";
import type { Dimensions, Hop, HopStart, Telemetry } from "./telemetry.ts";
import { formatTraceparent, parseTraceparent } from "./trace.ts";

/** Told before the SDK was there; more than this is not kept. */
const maxPending = 5_000;
const tracerName = "causeway";

export function createApplicationInsights(options: {
  readonly connectionString: string;
  readonly credential: TokenCredential;
  /** What could not be loaded; telemetry is then silent for the life of the process. */
  readonly onFailure: (error: unknown) => void;
}): Telemetry {
  let client: TelemetryClient | undefined;
  let pending: ((client: TelemetryClient) => void)[] = [];
  const record = createRecord();
  const loading = loadClient(options).then(
    (loaded) => {
      client = loaded;
      for (const tell of pending) attempt(() => tell(loaded));
      pending = [];
    },
    (error: unknown) => {
      pending = [];
      options.onFailure(error);
    },
  );
  const tell = (what: (client: TelemetryClient) => void): void => {
    const ready = client;
    if (ready !== undefined) attempt(() => what(ready));
    else if (pending.length < maxPending) pending.push(what);
  };
  return {
    event: (name, dimensions, measurements) =>
      tell((ready) =>
        ready.trackEvent({
          name,
          properties: toProperties(dimensions),
          ...(measurements === undefined ? {} : { measurements: toNumbers(measurements) }),
        }),
      ),
    metric: (name, value, dimensions) => tell(() => record(name, value, dimensions)),
    error: (error, dimensions) =>
      tell((ready) =>
        // Messages may quote documents: name and place tell enough.
        ready.trackException({
          exception: withoutMessage(error),
          properties: toProperties(dimensions),
        }),
      ),
    startHop: (start) =>
      client === undefined ? createUnrecordedHop(start.parent) : startHop(start),
    flush: async () => {
      await loading;
      await client?.flush().catch(options.onFailure);
    },
  };
}

async function loadClient(options: {
  readonly connectionString: string;
  readonly credential: TokenCredential;
}): Promise<TelemetryClient> {
  // Read while the SDK loads: it would report on itself to Microsoft.
  process.env["APPLICATION_INSIGHTS_NO_STATSBEAT"] ??= "true";
  const { TelemetryClient: Client } = await import("applicationinsights");
  const client = new Client(options.connectionString);
  client.config.azureMonitorOpenTelemetryOptions = {
    azureMonitorExporterOptions: {
      connectionString: options.connectionString,
      credential: options.credential,
    },
    // The default keeps five traces a second; outcomes must all arrive.
    samplingRatio: 1,
    tracesPerSecond: 0,
    enableLiveMetrics: false,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
    // Hops are told by us: calls to storage and Service Bus would cost more than the work.
    instrumentationOptions: {
      http: { enabled: false },
      azureSdk: { enabled: false },
      mongoDb: { enabled: false },
      mySql: { enabled: false },
      postgreSql: { enabled: false },
      redis: { enabled: false },
      redis4: { enabled: false },
    },
  };
  client.initialize();
  return client;
}

/**
 * The SDK's own `trackMetric` looks its instrument up in every call. Every metric is a histogram here:
 * its export has sum, count, least and most, so counts can be summed and gauges be looked at.
 */
function createRecord(): (
  name: string,
  value: number,
  dimensions: Readonly<Record<string, string>>,
) => void {
  const bound = createBoundedDimensions();
  const instruments = new Map<string, Histogram>();
  return (name, value, dimensions) => {
    let instrument = instruments.get(name);
    if (instrument === undefined) {
      instrument = metrics.getMeter(tracerName).createHistogram(name);
      instruments.set(name, instrument);
    }
    instrument.record(value, bound(name, dimensions));
  };
}

/** A consumer span that goes on from the hop before. */
function startHop(start: HopStart): Hop {
  const parent = parseTraceparent(start.parent);
  const root = context.active();
  const before =
    parent === undefined
      ? root
      : trace.setSpanContext(root, {
          traceId: parent.traceId,
          spanId: parent.spanId,
          traceFlags: 1,
          isRemote: true,
        });
  const span = trace.getTracer(tracerName).startSpan(
    start.name,
    {
      kind: SpanKind.CONSUMER,
      // The exporter drops a consumer span's own name and takes this attribute for it.
      attributes: { "ai.operation.name": start.name, ...start.attributes },
    },
    before,
  );
  const { traceId, spanId } = span.spanContext();
  return {
    traceparent: formatTraceparent({ traceId, spanId, sampled: true }),
    end: ({ success, code }) => {
      span.setAttribute("code", code);
      span.setStatus({ code: success ? SpanStatusCode.OK : SpanStatusCode.ERROR });
      span.end();
    },
  };
}

/** Nothing that is told may stop what it tells of. */
function attempt(tell: () => void): void {
  try {
    tell();
  } catch {
    // Telemetry about telemetry would go the same way.
  }
}

function withoutMessage(error: Error): Error {
  const bare = new Error(error.name);
  bare.name = error.name;
  const stack = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  bare.stack = [error.name, ...stack].join("\n");
  return bare;
}

function toProperties(dimensions: Dimensions): Record<string, string> {
  return Object.fromEntries(
    Object.entries(dimensions).map(([name, value]) => [name, String(value)]),
  );
}

function toNumbers(
  measurements: Readonly<Record<string, number | undefined>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(measurements).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}
