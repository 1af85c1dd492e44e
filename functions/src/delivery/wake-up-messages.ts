import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { toStableId } from "../platform/effect-key.ts";
import { entities, routingProperty } from "../platform/messages.ts";
import type { OutgoingMessage } from "../platform/messages.ts";
import { toRootTraceparent } from "../platform/trace.ts";
import { intakeTarget } from "./ledger-keys.ts";
import type { DeliveryRow } from "./ledger-rows.ts";
import type { WakeUp } from "./lane.ts";

/** Room for headers, properties and annotations in the namespace's message size. */
const headroomBytes = 16 * 1024;
/** What stays behind is in the event's ledger row. */
const ledgerReference = "ledger";

/** Around a raw business event that is sent again: F&O's own body has no room for a hop. */
export interface IntakeEnvelope {
  readonly specversion: "1.0";
  readonly id: string;
  readonly type: typeof intakeEnvelopeType;
  readonly source: "/causeway/intake";
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly traceparent: string;
  readonly target: typeof intakeTarget;
  readonly hop: number;
  readonly failureid?: string;
  readonly dataref?: string;
  readonly data?: unknown;
}

const intakeEnvelopeType = "causeway.intake.v1";

export function isIntakeEnvelope(body: unknown): body is IntakeEnvelope {
  return isRecord(body) && body["type"] === intakeEnvelopeType && typeof body["id"] === "string";
}

/** A message of ours about a canonical event; anything else on our topic or dead letters is not. */
export function isCanonicalEvent(body: unknown): body is CanonicalEvent {
  return (
    isRecord(body) &&
    body["specversion"] === "1.0" &&
    typeof body["id"] === "string" &&
    typeof body["time"] === "string" &&
    typeof body["effectkey"] === "string" &&
    !Number.isNaN(Date.parse(body["time"]))
  );
}

/** The event as targets get it: without what only wake-ups carry. */
function toEvent(body: CanonicalEvent): CanonicalEvent {
  const event: { -readonly [Member in keyof CanonicalEvent]: CanonicalEvent[Member] } = { ...body };
  delete event.target;
  delete event.hop;
  delete event.failureid;
  return event;
}

export function toDeliveryWakeUp(target: string, body: CanonicalEvent): WakeUp<CanonicalEvent> {
  return {
    eventId: body.id,
    time: body.time,
    target,
    hop: body.hop ?? 1,
    traceparent: body.traceparent,
    body: body.data === undefined ? undefined : toEvent(body),
  };
}

export function toIntakeWakeUp(envelope: IntakeEnvelope): WakeUp<unknown> {
  return {
    eventId: envelope.id,
    time: envelope.time,
    target: intakeTarget,
    hop: envelope.hop,
    traceparent: envelope.traceparent,
    body: envelope.data,
  };
}

/** A business event as it came from F&O. */
export function toFirstIntakeWakeUp(
  identity: { readonly eventId: string; readonly time: string },
  raw: unknown,
): WakeUp<unknown> {
  return {
    eventId: identity.eventId,
    time: identity.time,
    target: intakeTarget,
    hop: 1,
    traceparent: toRootTraceparent(identity.eventId),
    body: raw,
  };
}

/** The first wake-up for all targets together. The same event gives the same message. */
export function toFirstMessage(
  event: CanonicalEvent,
  targets: readonly string[],
  maxMessageBytes: number,
): OutgoingMessage {
  const routing = Object.fromEntries(targets.map((target) => [routingProperty(target), "1"]));
  return {
    messageId: event.id,
    body: toBody(event, maxMessageBytes),
    properties: { ...routing, eventid: event.id, traceparent: event.traceparent },
  };
}

export function toDeliveryMessage(
  event: CanonicalEvent,
  row: DeliveryRow,
  maxMessageBytes: number,
): OutgoingMessage {
  const { target, hop } = row;
  return {
    messageId: `${row.eventId}:${target}:${hop}`,
    body: toBody({ ...event, target, hop }, maxMessageBytes),
    properties: {
      [routingProperty(target)]: "1",
      target,
      hop,
      eventid: row.eventId,
      traceparent: row.traceparent,
    },
    enqueueAt: row.dueAt,
  };
}

export function toIntakeMessage(
  raw: unknown,
  row: DeliveryRow,
  maxMessageBytes: number,
): OutgoingMessage {
  return {
    messageId: `${row.eventId}:${intakeTarget}:${row.hop}`,
    body: toBody(toEnvelope(raw, row), maxMessageBytes),
    properties: {
      target: intakeTarget,
      hop: row.hop,
      eventid: row.eventId,
      traceparent: row.traceparent,
    },
    enqueueAt: row.dueAt,
  };
}

/**
 * For `dead-letters`: the story in the properties, the body untouched but for its extensions. Also of an effect
 * that was made after the delivery had been called failed: another message, so under another id.
 */
export function toDeadLetter(
  body: CanonicalEvent | { readonly raw: unknown },
  row: DeliveryRow,
  maxMessageBytes: number,
): OutgoingMessage {
  const failureid = row.failureId ?? "";
  const marks = { target: row.target, hop: row.hop, failureid };
  const content =
    "raw" in body ? { ...toEnvelope(body.raw, row), failureid } : { ...body, ...marks };
  return {
    messageId: row.state === "failed" ? failureid : `${failureid}:${row.state}`,
    body: toBody(content, maxMessageBytes),
    properties: {
      failureid,
      eventid: row.eventId,
      target: row.target,
      stage: row.target === intakeTarget ? "intake" : "delivery",
      code: row.code ?? "",
      reason: (row.reason ?? "").slice(0, 1_024),
      attempts: row.attempts,
      hop: row.hop,
      traceparent: row.traceparent,
    },
  };
}

/** A message that names no event: there is no ledger row to tell its story. */
export function toUnreadableLetter(body: unknown, code: string, reason: string): OutgoingMessage {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const failureid = toStableId("unreadable", text);
  const story = { failureid, target: intakeTarget, code, reason: reason.slice(0, 1_024) };
  return {
    messageId: failureid,
    body: JSON.stringify({ specversion: "1.0", type: unreadableType, ...story, data: body }),
    properties: { ...story, stage: "intake" },
  };
}

export const unreadableType = "causeway.unreadable.v1";

export const deadLettersEntity = entities.deadLetters;

function toEnvelope(raw: unknown, row: DeliveryRow): IntakeEnvelope {
  return {
    specversion: "1.0",
    id: row.eventId,
    type: intakeEnvelopeType,
    source: "/causeway/intake",
    time: row.time,
    datacontenttype: "application/json",
    traceparent: row.traceparent,
    target: intakeTarget,
    hop: row.hop,
    data: raw,
  };
}

/** Claim check: a body over the limit stays in the ledger. */
function toBody(content: CanonicalEvent | IntakeEnvelope, maxMessageBytes: number): string {
  const whole = JSON.stringify(content);
  // Three bytes are the most that one UTF-16 unit becomes; most texts need no counting.
  const limit = maxMessageBytes - headroomBytes;
  if (whole.length * 3 <= limit || Buffer.byteLength(whole, "utf8") <= limit) return whole;
  return JSON.stringify({ ...content, data: undefined, dataref: ledgerReference });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
