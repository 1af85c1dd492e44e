import type {
  EventDimensions,
  EventMeasurements,
  EventName,
  MetricDimensions,
  MetricName,
} from "./telemetry-catalogue.ts";
import { createSpanId, formatTraceparent, parseTraceparent } from "./trace.ts";

export type Dimensions = Readonly<Record<string, string | number | boolean>>;

/** One hop of an event's way: opened before the work, so that its id can be handed on. */
export interface Hop {
  /** For everything that is called on behalf of this hop. */
  readonly traceparent: string;
  end(result: { readonly success: boolean; readonly code: string }): void;
}

export interface HopStart {
  /** "deliver ce", "intake", …: few different names. */
  readonly name: string;
  /** The hop before; its trace goes on. */
  readonly parent: string;
  /** `call`: something outside is asked. Otherwise a message is worked on. */
  readonly kind?: "call";
  /** The try before this one, which it is linked to. */
  readonly follows?: string | null;
  readonly attributes: Dimensions;
}

/**
 * What leaves the process to be seen. Calls return at once and never throw; what is lost while the
 * collector is away is lost. Identifiers only: no bodies, no names, no addresses.
 */
export interface Telemetry {
  event<Name extends EventName>(
    name: Name,
    dimensions: EventDimensions<Name>,
    measurements?: EventMeasurements<Name>,
  ): void;
  metric<Name extends MetricName>(
    name: Name,
    value: number,
    dimensions: MetricDimensions<Name>,
  ): void;
  error(error: Error, dimensions: Dimensions): void;
  startHop(start: HopStart): Hop;
  flush(): Promise<void>;
}

/** Records nothing, but hands on traces. */
export const silentTelemetry: Telemetry = {
  event: () => undefined,
  metric: () => undefined,
  error: () => undefined,
  startHop: (start) => ({ traceparent: toChildTraceparent(start.parent), end: () => undefined }),
  flush: () => Promise.resolve(),
};

/** A span of the same trace, below `parent`; what is no trace is handed on as it is. */
export function toChildTraceparent(parent: string): string {
  const context = parseTraceparent(parent);
  return context === undefined ? parent : formatTraceparent({ ...context, spanId: createSpanId() });
}
