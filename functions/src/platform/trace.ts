import { createHash, randomUUID } from "node:crypto";

/** W3C trace context, the parts we carry. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** First 32 hex digits of SHA-256(eventId): any hop that knows the event joins without being told. */
export function toTraceId(eventId: string): string {
  return createHash("sha256").update(eventId.toLowerCase()).digest("hex").slice(0, 32);
}

/** The trace's root, the same for every hop that has nothing better; digits 33 to 48 of the hash. */
export function toRootTraceparent(eventId: string): string {
  const hash = createHash("sha256").update(eventId.toLowerCase()).digest("hex");
  return formatTraceparent({
    traceId: hash.slice(0, 32),
    spanId: hash.slice(32, 48),
    sampled: true,
  });
}

export function createSpanId(): string {
  // Node draws UUIDs from a pool; bytes by themselves are a call to the system each time. Digits 13 and 17 are fixed.
  const uuid = randomUUID();
  const id = uuid.slice(0, 8) + uuid.slice(-8);
  return id === "0000000000000000" ? "0000000000000001" : id;
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${context.traceId}-${context.spanId}-${context.sampled ? "01" : "00"}`;
}

/** Undefined for anything that the standard calls invalid; callers then start from the event's id. */
export function parseTraceparent(text: string): TraceContext | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text);
  const traceId = match?.[1];
  const spanId = match?.[2];
  const flags = match?.[3];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
