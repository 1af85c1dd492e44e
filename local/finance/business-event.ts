/** F&O's business events on the wire: one flat object, members in alphabetical order. */
export interface RaisedEvent {
  readonly eventId: string;
  readonly businessEventId: string;
  readonly legalEntity: string;
  readonly category: string;
  /** ISO 8601 with F&O's seven digits. */
  readonly time: string;
  /** The body as it is sent, every time the same. */
  readonly text: string;
}

export type EventMembers = Readonly<Record<string, string | number | bigint | null | readonly []>>;

export interface Envelope {
  readonly businessEventId: string;
  readonly legalEntity: string;
  readonly eventId: string;
  /** Beyond 2^53 for the endpoint test: written in full. */
  readonly controlNumber: number | bigint;
  readonly timeMs: number;
  /** 0 to 9999: what F&O knows of a time beyond milliseconds. */
  readonly timeFraction: number;
  /** Without braces; zeros when no Entra user raised the event. */
  readonly userId?: string;
}

const NO_USER = "00000000-0000-0000-0000-000000000000";

export function toRaisedEvent(
  envelope: Envelope,
  members: EventMembers,
  category: string,
): RaisedEvent {
  const { businessEventId, legalEntity, eventId, timeMs } = envelope;
  const fraction = String(envelope.timeFraction).padStart(4, "0");
  const time = new Date(timeMs).toISOString().replace("Z", `${fraction}Z`);
  const event: EventMembers = {
    ...members,
    BusinessEventId: businessEventId,
    BusinessEventLegalEntity: legalEntity,
    ContextRecordSubject: "",
    ControlNumber: envelope.controlNumber,
    EventId: eventId,
    EventTime: toWireInstant(Math.floor(timeMs / 1000) * 1000),
    EventTimeIso8601: time,
    InitiatingUserAADObjectId: `{${envelope.userId ?? NO_USER}}`,
    MajorVersion: 0,
    MinorVersion: 0,
    ParentContextRecordSubjects: [],
  };
  return { eventId, businessEventId, legalEntity, category, time, text: toWireText(event) };
}

/** The same event with another EventId: a repair raised anew, not a resend. */
export function withEventId(event: RaisedEvent, eventId: string): RaisedEvent {
  return { ...event, eventId, text: event.text.replace(event.eventId, eventId) };
}

/** A calendar day `2024-06-14` as midnight UTC; F&O's 1900-01-01 for none. */
export function toWireDay(day: string | undefined): string {
  return toWireInstant(Date.parse(`${day ?? "1900-01-01"}T00:00:00Z`));
}

function toWireInstant(ms: number): string {
  return `/Date(${ms})/`;
}

/** JSON with members in alphabetical order and 64-bit numbers in full, which JSON.stringify cannot. */
function toWireText(members: EventMembers): string {
  const parts = Object.entries(members)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([name, value]) => {
      const text = typeof value === "bigint" ? value.toString() : JSON.stringify(value);
      return `${JSON.stringify(name)}:${text}`;
    });
  return `{${parts.join(",")}}`;
}
