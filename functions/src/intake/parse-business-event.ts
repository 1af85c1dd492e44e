import type {
  BusinessEvent,
  InvoicePostedBusinessEvent,
} from "../../../schemas/types/business-event.ts";
import { suggestName } from "../flows/nearest-name.ts";
import type { SchemaName, SchemaSet } from "../flows/schema-set.ts";
import { toFinanceDay, toFinanceTime } from "./finance-date.ts";
import { unwrapBusinessEvent } from "./unwrap-business-event.ts";

/** What every business event says of itself, whatever it is about. */
export interface EventIdentity {
  /** Lower case. */
  readonly eventId: string;
  readonly businessEventId: string;
  /** int64 as text. */
  readonly controlNumber: string;
  /** ISO 8601 in UTC with milliseconds. */
  readonly time: string;
  /** Lower case; null when neither of the two members is there. */
  readonly legalEntity: string | null;
  /** Name of the door it came through, when the message says so. */
  readonly door: string | null;
}

export interface InvoiceEvent extends EventIdentity {
  readonly legalEntity: string;
  readonly kind: "sales" | "freeText";
  readonly number: string;
  readonly account: string;
  /** `YYYY-MM-DD` */
  readonly date: string;
  readonly dueDate: string | null;
  readonly salesOrder: string | null;
}

type ParseFailureCode = "MALFORMED_EVENT" | "UNKNOWN_EVENT";

export type ParsedEvent =
  | { readonly kind: "invoice"; readonly event: InvoiceEvent }
  /** F&O's endpoint test: acknowledge it and do nothing. */
  | { readonly kind: "test"; readonly identity: EventIdentity }
  | {
      readonly kind: "failure";
      readonly code: ParseFailureCode;
      readonly reason: string;
      /** Known as soon as the envelope could be read. */
      readonly identity: EventIdentity | null;
    };

export interface ParseOptions {
  readonly schemas: SchemaSet;
  /** BusinessEventIds that flows name. */
  readonly knownEvents: readonly string[];
}

const testEvent = "BusinessEventsTestEndpointContract";
const freeTextEvent = "CustFreeTextInvoicePostedBusinessEvent";

/** Schemas of the events that we know by name; others of a flow are held to what all invoices share. */
const schemaOf: Readonly<Record<string, SchemaName>> = {
  SalesInvoicePostedBusinessEvent: "business-event/sales-invoice-posted.v1",
  [freeTextEvent]: "business-event/free-text-invoice-posted.v1",
};

/**
 * Reads whatever F&O, Event Grid, Dataverse or the door put into the queue: text, bytes or what a host
 * already parsed. Never throws: what cannot be read is a failure with its reason.
 */
export function parseBusinessEvent(raw: unknown, options: ParseOptions): ParsedEvent {
  const { event: found, door, problem } = unwrapBusinessEvent(raw);
  if (found === undefined) return fail("MALFORMED_EVENT", problem, null);
  const shape = describeProblems("business-event/envelope.v1", found, options.schemas);
  if (shape !== undefined) return fail("MALFORMED_EVENT", shape, null);
  // The schema was just found to hold.
  const event = found as BusinessEvent;
  const identity = toIdentity(event, door);
  if (identity === undefined) {
    return fail(
      "MALFORMED_EVENT",
      "EventTime or ControlNumber is no time or no whole number",
      null,
    );
  }
  if (event.BusinessEventId === testEvent) return { kind: "test", identity };
  const { knownEvents } = options;
  if (!knownEvents.includes(event.BusinessEventId)) {
    const suggestion = suggestName(event.BusinessEventId, knownEvents);
    const reason = `no flow takes ${event.BusinessEventId}${suggestion}`;
    return fail("UNKNOWN_EVENT", reason, identity);
  }
  return toInvoiceEvent(event, identity, options.schemas);
}

function toInvoiceEvent(
  found: BusinessEvent,
  identity: EventIdentity,
  schemas: SchemaSet,
): ParsedEvent {
  const name = Object.hasOwn(schemaOf, found.BusinessEventId)
    ? schemaOf[found.BusinessEventId]
    : undefined;
  const shape = describeProblems(name ?? "business-event/invoice-posted.v1", found, schemas);
  if (shape !== undefined) return fail("MALFORMED_EVENT", shape, identity);
  // The schema was just found to hold.
  const event = found as InvoicePostedBusinessEvent;
  const date = toFinanceDay(event.InvoiceDate);
  const { legalEntity } = identity;
  if (date === null || legalEntity === null) {
    const what = date === null ? "InvoiceDate is no date" : "the company is empty";
    return fail("MALFORMED_EVENT", what, identity);
  }
  const salesOrder = event.SalesOrderId ?? "";
  return {
    kind: "invoice",
    event: {
      ...identity,
      legalEntity,
      kind: event.BusinessEventId === freeTextEvent ? "freeText" : "sales",
      number: event.InvoiceId,
      account: event.InvoiceAccount,
      date,
      dueDate: event.InvoiceDueDate === undefined ? null : toFinanceDay(event.InvoiceDueDate),
      salesOrder: salesOrder === "" ? null : salesOrder,
    },
  };
}

function toIdentity(event: BusinessEvent, door: string | null): EventIdentity | undefined {
  const time = toFinanceTime(event.EventTimeIso8601 ?? event.EventTime);
  const controlNumber = toInt64Text(event.ControlNumber);
  if (time === null || controlNumber === undefined) return undefined;
  const contract = event["LegalEntity"];
  const company =
    typeof contract === "string" && contract !== "" ? contract : event.BusinessEventLegalEntity;
  return {
    eventId: event.EventId.replace(/[{}]/g, "").toLowerCase(),
    businessEventId: event.BusinessEventId,
    controlNumber,
    time,
    legalEntity: company === undefined || company === "" ? null : company.toLowerCase(),
    door,
  };
}

/** A number beyond 2^53 was rounded by whoever parsed it before us; its digits are the best there is. */
function toInt64Text(value: number | string): string | undefined {
  if (typeof value === "string") return value;
  return Number.isInteger(value) ? BigInt(value).toString() : undefined;
}

/** Member names only: values may be names and addresses. */
function describeProblems(
  name: SchemaName,
  value: unknown,
  schemas: SchemaSet,
): string | undefined {
  const problems = schemas.problems(name, value);
  if (problems.length === 0) return undefined;
  return problems.map(({ path, message }) => `${path} ${message}`.trim()).join("; ");
}

function fail(code: ParseFailureCode, reason: string, identity: EventIdentity | null): ParsedEvent {
  return { kind: "failure", code, reason, identity };
}
