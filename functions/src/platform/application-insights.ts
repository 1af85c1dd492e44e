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
import { hostname } from "node:os";
import type { TokenCredential } from "@azure/identity";
import type { TelemetryClient } from "applicationinsights";
import { createCallContext } from "./call-context.ts";
import { createBoundedDimensions } from "./bounded-dimensions.ts";
import { telemetryMetrics } from "./telemetry-catalogue.ts";
import { pause, TelemetryQueue } from "./telemetry-queue.ts";
import type { Dimensions, Hop, HopStart, Telemetry } from "./telemetry.ts";
import { createSpanId, formatTraceparent, parseTraceparent, toRootTraceparent } from "./trace.ts";
import type { TraceContext } from "./trace.ts";

/** A flush is for the end of a process, which nobody may hold up. */
const flushLimitMs = 4_000;
const tracerName = "causeway";
const rememberedTraces = 2_000;

interface Options {
  readonly connectionString: string;
  readonly credential: TokenCredential;
  /** What could not be loaded; telemetry is then silent for the life of the process. */
  readonly onFailure: (error: unknown) => void;
}

export function createApplicationInsights(options: Options): Telemetry {
  const queue = new TelemetryQueue();
  const record = createRecord();
  const traceOf = createTraceOf();
  const addUp = createCounts(queue, record);
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
    event: (name, dimensions, measurements) => {
      queue.push(() => {
        const properties = toProperties(dimensions);
        const telemetry = { name, properties, measurements: toNumbers(measurements ?? {}) };
        context.with(traceOf(properties["eventId"]), () => client?.trackEvent(telemetry));
      });
    },
    metric: (name, value, dimensions) => {
      if (telemetryMetrics[name].kind === "count") addUp(name, value, dimensions);
      else queue.push(() => record(name, value, dimensions), 0);
    },
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
  // The SDK would ask the system for it with every record.
  process.env["OTEL_RESOURCE_ATTRIBUTES"] ??= `service.instance.id=${hostname()}`;
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

type RecordMetric = (
  name: string,
  value: number,
  dimensions: Readonly<Record<string, string>>,
) => void;

/**
 * Adds counts up until the queue has its turn: a batch of a hundred deliveries is then one record of the SDK's,
 * which costs more than all the additions. Of a count only its sum is asked for.
 */
function createCounts(queue: TelemetryQueue, record: RecordMetric): RecordMetric {
  const counts = new Map<string, { readonly tell: (sum: number) => void; sum: number }>();
  const tellAll = (): void => {
    const added = [...counts.values()];
    counts.clear();
    for (const { tell, sum } of added) tell(sum);
  };
  return (name, value, dimensions) => {
    const key = [name, ...Object.values(dimensions)].join("\n");
    const known = counts.get(key);
    if (known !== undefined) {
      known.sum += value;
      return;
    }
    if (counts.size === 0 && !queue.push(tellAll, 0)) return;
    counts.set(key, { tell: (sum) => record(name, sum, dimensions), sum: value });
  };
}

/**
 * The SDK's own `trackMetric` looks its instrument up in every call. Every metric is a histogram here:
 * its export has sum, count, least and most, so counts can be summed and gauges be looked at.
 */
function createRecord(): RecordMetric {
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
  const parent = parseTraceparent(start.parent);
  const spanId = createSpanId();
  const startTime = Date.now();
  return {
    traceparent: parent === undefined ? start.parent : formatTraceparent({ ...parent, spanId }),
    end: ({ success, code }) => {
      const endTime = Date.now();
      queue.push(() => {
        const attributes = { ...start.attributes, code, "ai.operation.name": start.name };
        const follows = parseTraceparent(start.follows ?? "");
        const span = trace.getTracer(tracerName).startSpan(
          start.name,
          {
            kind: start.kind === "call" ? SpanKind.CLIENT : SpanKind.CONSUMER,
            // The exporter drops a consumer span's own name and takes `ai.operation.name` for it.
            attributes,
            links: follows === undefined ? [] : [{ context: toSpanContext(follows) }],
            startTime,
          },
          toContext(parent),
        );
        // The id that others were given as their parent; the SDK would draw another one.
        if (parent !== undefined) Object.assign(span.spanContext(), { spanId });
        span.setStatus({ code: success ? SpanStatusCode.OK : SpanStatusCode.ERROR });
        span.end(endTime);
      });
    },
  };
}

/** Events stand in their event's trace, beside its hops. Half a dozen of them come shortly one after the other. */
function createTraceOf(): (eventId: string | undefined) => Context {
  const contexts = new Map<string, Context>();
  return (eventId) => {
    if (eventId === undefined) return ROOT_CONTEXT;
    let found = contexts.get(eventId);
    if (found === undefined) {
      if (contexts.size >= rememberedTraces) contexts.clear();
      contexts.set(eventId, (found = toContext(parseTraceparent(toRootTraceparent(eventId)))));
    }
    return found;
  };
}

function toContext(parent: TraceContext | undefined): Context {
  return parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
}

function toSpanContext({ traceId, spanId }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: 1, isRemote: true };
}

function withoutMessage(error: Error): Error {
  const bare = new Error(error.name);
  bare.name = error.name;
  const stack = error.stack?.split("\n").filter((line) => /^\s+at /.test(line)) ?? [];
  bare.stack = [error.name, ...stack].join("\n");
  return bare;
}

function toProperties(dimensions: Dimensions): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const name in dimensions) properties[name] = String(dimensions[name]);
  return properties;
}

function toNumbers(
  measurements: Readonly<Record<string, number | undefined>>,
): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, value] of Object.entries(measurements)) {
    if (value !== undefined) numbers[name] = value;
  }
  return numbers;
}
