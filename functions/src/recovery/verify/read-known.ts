import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { isIntakeEnvelope } from "../../delivery/wake-up-messages.ts";
import { inParallel } from "../../delivery/batch-writes.ts";
import type { TableStore } from "../../platform/table-store.ts";
import type { FailureStatus, FailureSummary } from "../failure.ts";
import type { FailureStore } from "../failure-store.ts";
import { eachFailure } from "../find-failures.ts";
import { isBegunRaise } from "./raise-event.ts";
import { readNamedEvents, toDocumentName } from "./read-named-events.ts";
import type { NamedEventsDependencies } from "./read-named-events.ts";
import { readLedgerDocuments } from "./read-sources.ts";
import type { LedgerDelivery, LedgerDocument, PostedDocument } from "./verification.ts";

export interface KnownDependencies extends NamedEventsDependencies {
  readonly store: TableStore;
  readonly failures: FailureStore;
}

/** By the document that the event names. */
export type NamedEvents = ReadonlyMap<string, readonly LedgerDelivery[]>;

/** What the ledger knows of each document, of one too that intake could not read in F&O and failed on. */
export async function readKnown(
  on: KnownDependencies,
  documents: readonly PostedDocument[],
  since: number,
  until: number,
): Promise<Map<string, LedgerDocument>> {
  const { byEffectKey, unread } = await readLedgerDocuments(on.store, since, until);
  return addNamed(new Map(byEffectKey), documents, await readNamedEvents(on, unread));
}

/** Adds what is known of documents by their names only. */
export function addNamed(
  known: Map<string, LedgerDocument>,
  documents: readonly PostedDocument[],
  named: NamedEvents,
): Map<string, LedgerDocument> {
  for (const document of documents) {
    if (known.has(document.effectKey)) continue;
    const events = (named.get(toDocumentName(document)) ?? []).filter(
      (event) => !isBegunRaise(event, document),
    );
    if (events.length > 0) known.set(document.effectKey, { events, deliveries: {} });
  }
  return known;
}

/** What an undecided or decided failure is to the document; others have a row in the ledger that says more. */
const stateOf = {
  open: "failed",
  replaying: "received",
  discarded: "discarded",
} as const satisfies Partial<Record<FailureStatus, string>>;
const parallelReads = 16;

/**
 * Events that never reached the ledger and are known as failures all the same, such as Event Grid's dead letters: only
 * their bodies say what they are about.
 */
export async function readFailedEvents(on: KnownDependencies, since: number): Promise<NamedEvents> {
  const named = new Map<string, LedgerDelivery[]>();
  for (const status of ["open", "replaying", "discarded"] as const) {
    const filter = { target: intakeTarget, status, newerThan: since };
    for await (const page of eachFailure(on.failures, filter)) {
      const strangers = page.filter(({ stage }) => stage === "transport");
      await inParallel(strangers, parallelReads, async (failure) => {
        const name = await readName(on, failure);
        if (name === undefined) return;
        const { eventId, time } = failure;
        const event = { eventId, time, state: stateOf[status] };
        named.set(name, [...(named.get(name) ?? []), event]);
      });
    }
  }
  return named;
}

/** Undefined for what cannot be read, is no invoice, or has lost its body to the retention. */
async function readName(
  { failures, parse }: KnownDependencies,
  { failureId, target }: FailureSummary,
): Promise<string | undefined> {
  const stored = await failures.get(target, failureId);
  const body = toJson(stored?.body ?? "");
  const parsed = parse(isIntakeEnvelope(body) ? body.data : body);
  return parsed.kind === "invoice" ? toDocumentName(parsed.event) : undefined;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
