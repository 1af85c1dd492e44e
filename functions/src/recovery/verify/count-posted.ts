/*
 * The dead-man's switch: each hour F&O is asked what it posted in the last full hours, and every document
 * is looked for in the ledger, per company. Whatever stopped an event on its way (F&O's own batch, an
 * endpoint that was switched off, a lost message) also stops every signal that hangs on events; this one
 * hangs on none. It only tells (`posted`, `counted`): alert rules outside the app fire on a shortfall, and
 * on no count having been told, which covers this function too.
 */
import type { FinanceClient } from "../../dynamics/finance-client.ts";
import { asError, CausewayError } from "../../platform/causeway-error.ts";
import type { Clock } from "../../platform/clock.ts";
import type { TableStore } from "../../platform/table-store.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import { isBegunRaise } from "./raise-event.ts";
import { readNamedEvents, toDocumentName } from "./read-named-events.ts";
import type { NamedEventsDependencies } from "./read-named-events.ts";
import { readLedgerEvents, readPosted } from "./read-sources.ts";
import type { IsServed } from "./served-documents.ts";
import type { PostedDocument } from "./verification.ts";

export interface CountDependencies extends NamedEventsDependencies {
  readonly finance: FinanceClient;
  readonly store: TableStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Whether any target takes the document. */
  readonly isServed: IsServed;
}

interface HourCount {
  readonly legalEntity: string;
  readonly hour: string;
  readonly posted: number;
  readonly missing: number;
}

const hourMs = 3_600_000;
/** F&O raises business events in a batch of its own; what came this late is late and not lost. */
const graceMs = 30 * 60_000;
/** Every hour is counted this often, so that one that heals is told as healed, and a missed round is made up for. */
const hoursBack = 3;
/** Under the host's ten minutes. */
const limitMs = 8 * 60_000;

/** Counts the last full hours and tells them; a round that breaks off is told too, and thrown. */
export async function countPosted(on: CountDependencies): Promise<void> {
  try {
    const counts = await countHours(on);
    for (const each of counts) tellHour(on, each);
    tellCompanies(on, counts);
    const posted = sum(counts.map((each) => each.posted));
    const missing = sum(counts.map((each) => each.missing));
    on.telemetry.event("counted", { result: "ok", code: "" }, { posted, missing });
  } catch (error) {
    const code = error instanceof CausewayError ? String(error.code) : asError(error).name;
    on.telemetry.event("counted", { result: "failed", code });
    throw error;
  }
}

async function countHours(on: CountDependencies): Promise<readonly HourCount[]> {
  const signal = AbortSignal.timeout(limitMs);
  const end = Math.floor((on.clock.now() - graceMs) / hourMs) * hourMs;
  const counts: HourCount[] = [];
  for (let since = end - hoursBack * hourMs; since < end; since += hourMs) {
    signal.throwIfAborted();
    const documents = await readPosted(on.finance, since, since + hourMs, signal);
    const watched = documents.filter((each) => on.isServed(each));
    if (watched.length === 0) continue;
    const isKnown = await readKnown(on, since);
    counts.push(...countCompanies(watched, isKnown, new Date(since).toISOString()));
  }
  return counts;
}

async function readKnown(
  on: CountDependencies,
  since: number,
): Promise<(document: PostedDocument) => boolean> {
  const events = await readLedgerEvents(on.store, since, since + hourMs);
  const effectKeys = new Set(events.map(({ effectKey }) => effectKey));
  const unread = events.filter(({ effectKey }) => effectKey === "").map(({ event }) => event);
  const named = await readNamedEvents(on, unread);
  return (document) =>
    effectKeys.has(document.effectKey) ||
    (named.get(toDocumentName(document)) ?? []).some((event) => !isBegunRaise(event, document));
}

function countCompanies(
  documents: readonly PostedDocument[],
  isKnown: (document: PostedDocument) => boolean,
  hour: string,
): readonly HourCount[] {
  const companies = byCompany(documents);
  return [...companies].map(([legalEntity, own]) => ({
    legalEntity,
    hour,
    posted: own.length,
    missing: own.filter((document) => !isKnown(document)).length,
  }));
}

function tellHour({ telemetry }: CountDependencies, count: HourCount): void {
  const { hour, legalEntity, missing, posted } = count;
  telemetry.event("posted", { legalEntity, hour }, { posted, known: posted - missing, missing });
}

function tellCompanies({ telemetry }: CountDependencies, counts: readonly HourCount[]): void {
  const companies = byCompany(counts);
  for (const [legalEntity, own] of companies) {
    const missing = sum(own.map((each) => each.missing));
    telemetry.metric("causeway.posted.missing", missing, { legalEntity });
  }
}

function byCompany<Each extends { readonly legalEntity: string }>(
  list: readonly Each[],
): ReadonlyMap<string, readonly Each[]> {
  const companies = new Map<string, Each[]>();
  for (const each of list) {
    const own = companies.get(each.legalEntity) ?? [];
    own.push(each);
    companies.set(each.legalEntity, own);
  }
  return companies;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
