/*
 * Telemetry over Application Insights. The SDK takes a third of a second and 60 MB to load, so it is loaded
 * beside the first work and not before it; the queue holds what is told until then. A span gets its ids
 * and times from us, so that a hop which ended before the SDK was there is told like any other.
 */
import {
  context,
  metrics,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import type { Context, Histogram, SpanContext } from "@opentelemetry/api";
import type { TokenCredential } from "@azure/identity";
import type { TelemetryClient } from "applicationinsights";
import { createCallContext } from "./call-context.ts";
import { createBoundedDimensions } from "./bounded-dimensions.ts";
import { pause, TelemetryQueue } from "./telemetry-queue.ts";
import { toChildTraceparent } from "./telemetry.ts";
import type { Dimensions, Hop, HopStart, Telemetry } from "./telemetry.ts";
import { parseTraceparent, toRootTraceparent } from "./trace.ts";

/** A flush is for the end of a process, which nobody may hold up. */
const flushLimitMs = 4_000;
const tracerName = "causeway";

interface Options {
  readonly connectionString: string;
  readonly credential: TokenCredential;
  /** What could not be loaded; telemetry is then silent for the life of the process. */
  readonly onFailure: (error: unknown) => void;
}

export function createApplicationInsights(options: Options): Telemetry {
  const queue = new TelemetryQueue();
  const record = createRecord();
  let client: TelemetryClient | undefined;
  const loading = loadClient(options).then(
    (loaded) => {
      client = loaded;
      queue.open({
        flush: () => loaded.flush(),
        onDropped: (count) => record("causeway.telemetry.dropped", count, {}),
      });
    },
    (error: unknown) => {
      queue.close();
      options.onFailure(error);
    },
  );
  return {
    event: (name, dimensions, measurements) =>
      queue.push(() => {
        const properties = toProperties(dimensions);
        const telemetry = { name, properties, measurements: toNumbers(measurements ?? {}) };
        context.with(traceOf(properties["eventId"]), () => client?.trackEvent(telemetry));
      }),
    metric: (name, value, dimensions) => queue.push(() => record(name, value, dimensions), 0),
    error: (error, dimensions) => {
      // Messages may quote documents: name and place tell enough.
      const exception = withoutMessage(error);
      queue.push(() => client?.trackException({ exception, properties: toProperties(dimensions) }));
    },
    startHop: (start) => startHop(start, queue),
    flush: async () => {
      const limit = new AbortController();
      const flushed = loading.then(() => queue.settle()).catch(options.onFailure);
      await Promise.race([flushed, pause(flushLimitMs, limit.signal)]);
      limit.abort();
    },
  };
}

async function loadClient(options: Options): Promise<TelemetryClient> {
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
  // Takes the place of the SDK's own before that is used for the first time.
  context.disable();
  context.setGlobalContextManager(createCallContext());
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

function startHop(start: HopStart, queue: TelemetryQueue): Hop {
  const traceparent = toChildTraceparent(start.parent);
  const startTime = Date.now();
  return {
    traceparent,
    end: ({ success, code }) => {
      const endTime = Date.now();
      queue.push(() => {
        const attributes = { ...start.attributes, code, "ai.operation.name": start.name };
        const links = toSpanContexts(start.follows).map((linked) => ({ context: linked }));
        const span = trace.getTracer(tracerName).startSpan(
          start.name,
          {
            kind: start.kind === "call" ? SpanKind.CLIENT : SpanKind.CONSUMER,
            // The exporter drops a consumer span's own name and takes `ai.operation.name` for it.
            attributes,
            links,
            startTime,
          },
          toContext(start.parent),
        );
        // The id that others were given as their parent; the SDK would draw another one.
        Object.assign(span.spanContext(), { spanId: parseTraceparent(traceparent)?.spanId });
        span.setStatus({ code: success ? SpanStatusCode.OK : SpanStatusCode.ERROR });
        span.end(endTime);
      });
    },
  };
}

/** Events stand in their event's trace, beside its hops. */
function traceOf(eventId: string | undefined): Context {
  return eventId === undefined ? ROOT_CONTEXT : toContext(toRootTraceparent(eventId));
}

function toContext(traceparent: string): Context {
  const [parent] = toSpanContexts(traceparent);
  return parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
}

function toSpanContexts(traceparent: string | null | undefined): readonly SpanContext[] {
  const parsed = parseTraceparent(traceparent ?? "");
  if (parsed === undefined) return [];
  const { traceId, spanId } = parsed;
  return [{ traceId, spanId, traceFlags: 1, isRemote: true }];
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
