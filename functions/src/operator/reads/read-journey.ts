import { isBodyTaken, readBody, takenColumn } from "../../delivery/ledger-bodies.ts";
import { fromColumns } from "../../delivery/ledger-columns.ts";
import { intakeTarget, isReplayBodyKey } from "../../delivery/ledger-keys.ts";
import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import type { StoredRow } from "../../platform/table-store.ts";
import type { DeliveryView, JourneyAnswer, TrailView } from "./answers.ts";
import { findJourneys, toEventQuery } from "./find-journeys.ts";
import type { ReadDependencies } from "./read-dependencies.ts";

/** Personal data is shown as the asking person's role allows. */
export type Mask = (value: unknown) => unknown;

/** Undefined: nobody knows the event. `time` (EventTime) saves looking for it. */
export async function readJourney(
  on: ReadDependencies,
  request: { readonly eventId: string; readonly time?: string },
  mask: Mask,
): Promise<JourneyAnswer | undefined> {
  const eventId = request.eventId.toLowerCase();
  const time = request.time ?? (await findTime(on, eventId));
  if (time === undefined) return undefined;
  const { table, query } = toEventQuery({ eventId, time });
  const { rows } = await on.store.query(table, query);
  const event = rows.find((row) => row.rowKey === eventId);
  if (event === undefined) return undefined;
  const deliveries = rows
    .filter(({ rowKey }) => !isReplayBodyKey(rowKey))
    .map((row) => toView(fromColumns(row.columns), mask));
  // A body whose retention is over leaves only what names the event.
  const isTaken = isBodyTaken(event.columns);
  const body = isTaken ? undefined : await readEvent(on, event);
  const text = (name: string): string => String(event.columns[name] ?? "");
  const [legalEntity = "", ...number] = text("subject").split("/");
  return {
    eventId,
    time: fromColumns(event.columns).time,
    legalEntity,
    number: number.join("/"),
    customerAccount: text("customerAccount"),
    flow: text("flow"),
    effectKey: text("effectKey"),
    traceId: fromColumns(event.columns).traceparent.split("-")[1] ?? "",
    sourceUrl:
      legalEntity === "" ? null : `${on.config.financeUrl}/?cmp=${encodeURIComponent(legalEntity)}`,
    deliveries: deliveries.sort((a, b) => rank(a) - rank(b) || a.target.localeCompare(b.target)),
    body: isTaken ? null : body === undefined ? await readRaw(on, event, mask) : mask(body),
    bodyTakenAt: isTaken ? text(takenColumn) : null,
  };
}

async function findTime(on: ReadDependencies, eventId: string): Promise<string | undefined> {
  let continuation: string | undefined;
  do {
    const search = { by: "eventId", text: eventId, limit: 1 } as const;
    const answer = await findJourneys(on, {
      ...search,
      ...(continuation === undefined ? {} : { continuation }),
    });
    const [found] = answer.journeys;
    if (found !== undefined) return found.time;
    continuation = answer.continuation;
  } while (continuation !== undefined);
  return undefined;
}

/** Intake comes first in every journey. */
function rank(view: DeliveryView): number {
  return view.target === intakeTarget ? 0 : 1;
}

async function readEvent(on: ReadDependencies, event: StoredRow): Promise<unknown> {
  const text = await readBody(on.bodies, "body", event.columns);
  return text === undefined ? undefined : JSON.parse(text);
}

/** An event that was never accepted has only what came in. */
async function readRaw(on: ReadDependencies, event: StoredRow, mask: Mask): Promise<unknown> {
  const text = await readBody(on.bodies, "raw", event.columns);
  return text === undefined ? null : mask(JSON.parse(text));
}

function toView(row: DeliveryRow, mask: Mask): DeliveryView {
  return {
    target: row.target,
    state: row.state,
    hop: row.hop,
    attempts: row.attempts,
    acceptedAt: toIso(row.acceptedAt),
    dueAt: isTerminal(row) ? null : toIso(row.dueAt),
    settledAt: row.settledAt === null ? null : toIso(row.settledAt),
    code: row.code,
    reason: row.reason,
    rule: row.rule,
    missing: row.missing,
    reference: row.reference,
    url: row.url,
    failureId: row.failureId,
    trail: row.trail.map(toTrailView),
    wouldSend: row.wouldSend === null ? null : mask(JSON.parse(row.wouldSend)),
  };
}

function toTrailView(step: DeliveryRow["trail"][number]): TrailView {
  return {
    ...step,
    at: toIso(step.at),
    dueAt: step.dueAt === null ? null : toIso(step.dueAt),
  };
}

function toIso(instant: number): string {
  return new Date(instant).toISOString();
}
