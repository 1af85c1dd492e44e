import type { Changeset, ChangesetAnswer } from "../../dynamics/dataverse-batch.ts";
import type { DataverseClient } from "../../dynamics/dataverse-client.ts";
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Outcome } from "../target.ts";
import { hasContent, readExisting } from "./existing-invoices.ts";
import type { ExistingInvoice } from "./existing-invoices.ts";
import type { InvoiceDocument } from "./invoice-document.ts";
import type { RequestSize } from "./request-size.ts";
import { toChangesets, traced } from "./to-changesets.ts";
import { toDocumentOutcome } from "./to-outcome.ts";

export interface WriteContext {
  readonly client: DataverseClient;
  readonly clock: Clock;
  readonly size: RequestSize;
  readonly baseUrl: string;
  readonly signal: AbortSignal;
  /** After an answer that a looked-up row is not there. */
  readonly forgetLookups: () => void;
  /** Keys of documents that failed before: they may be what breaks a request. */
  readonly suspects: ReadonlySet<string>;
  /** Keys of documents whose last request had no answer. */
  readonly slow: ReadonlySet<string>;
  /** Trace context of the document's call, by key. */
  readonly traceparents: ReadonlyMap<string, string>;
}

/** By key; documents that the time did not reach have no outcome. */
export type DocumentOutcomes = Map<string, Outcome>;

export interface Pending {
  readonly document: InvoiceDocument;
  readonly existing: ExistingInvoice | undefined;
  /** CE was not asked for it yet. */
  readonly isUnseen?: boolean;
}

/** Gives those that CE refuses: their row may be there, or they break a rule. */
export async function createPack(
  open: readonly Pending[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<readonly InvoiceDocument[]> {
  const syncedOn = new Date(context.clock.now()).toISOString();
  const sets = open.flatMap(({ document }) => toSets(document, "absent", syncedOn, context));
  const answers = await context.client.batch(sets, { signal: context.signal });
  context.size.grow();
  const refused = open.filter((_pending, index) => isRefused(answers[index]));
  const taken = answers.filter((answer) => !isRefused(answer));
  await settleAnswers(
    open.filter((pending) => !refused.includes(pending)),
    taken,
    outcomes,
    context,
  );
  return refused.map(({ document }) => document);
}

function toSets(
  document: InvoiceDocument,
  known: ExistingInvoice | "absent" | undefined,
  syncedOn: string,
  { size, traceparents }: WriteContext,
): readonly Changeset[] {
  const sets = toChangesets(document, known, size.rows, syncedOn);
  const traceparent = traceparents.get(document.key);
  return traceparent === undefined ? sets : traced(sets, traceparent);
}

function isRefused(answer: ChangesetAnswer | undefined): boolean {
  if (answer?.kind !== "failed") return false;
  const { kind } = answer.failure;
  return kind === "permanent" || kind === "transient";
}

export async function writePack(
  open: readonly Pending[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<void> {
  const syncedOn = new Date(context.clock.now()).toISOString();
  const sets = open.map(({ document, existing }) => toSets(document, existing, syncedOn, context));
  const options = { signal: context.signal };
  if (sets.every((pages) => pages.length === 1)) {
    const answers = await context.client.batch(sets.flat(), options);
    await settleAnswers(open, answers, outcomes, context);
    return;
  }
  // A document in pages: each page needs the one before it.
  for (const [index, pages] of sets.entries()) {
    const pending = open.slice(index, index + 1);
    let answer: ChangesetAnswer | undefined;
    for (const page of pages) {
      const [next] = await context.client.batch([page], options);
      if (answer === undefined || next?.kind !== "done") answer = next;
      if (next?.kind !== "done") break;
    }
    await settleAnswers(pending, answer === undefined ? [] : [answer], outcomes, context);
  }
}

/** Outcomes for documents that need no write; the others with what is there of them. */
export async function settleExisting(
  documents: readonly InvoiceDocument[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<readonly Pending[]> {
  const found = await readExisting(context.client, documents, context.signal);
  const open: Pending[] = [];
  for (const document of documents) {
    const existing = found.get(document.key.toLowerCase());
    const outcome = existing === undefined ? undefined : outcomeOf(existing, document, context);
    if (outcome === undefined) open.push({ document, existing });
    else outcomes.set(document.key, outcome);
  }
  return open;
}

function outcomeOf(
  existing: ExistingInvoice,
  document: InvoiceDocument,
  context: WriteContext,
): Outcome | undefined {
  if (existing.isComplete && hasContent(existing.row, document)) {
    return delivered(existing.id, context);
  }
  if (!existing.isClosed) return undefined;
  const reason = `The invoice row ${existing.id} is paid or canceled in CE and differs from the document.`;
  return { kind: "reject", code: "CE_ROW_CLOSED", reason };
}

async function settleAnswers(
  open: readonly Pending[],
  answers: readonly ChangesetAnswer[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<void> {
  const unknown: Pending[] = [];
  const refusals = new Map<string, DataverseFailure>();
  for (const [index, pending] of open.entries()) {
    const { key } = pending.document;
    const answer = answers[index] ?? { kind: "notRun" };
    if (answer.kind === "done") {
      const id = pending.existing?.id ?? readId(answer.entityIds[0] ?? null);
      if (id === undefined) unknown.push(pending);
      else outcomes.set(key, delivered(id, context));
      continue;
    }
    const failure = answer.kind === "failed" ? answer.failure : notRun;
    if (failure.kind === "gone") context.forgetLookups();
    outcomes.set(key, toDocumentOutcome(failure));
    if (failure.kind !== "permanent") continue;
    unknown.push(pending);
    refusals.set(key, failure);
  }
  if (unknown.length > 0) await settleByReading(unknown, refusals, outcomes, context);
}

/**
 * Rows whose id the answer did not give (some versions name them by key), and refusals that may only
 * mean that somebody closed the row in the meantime.
 */
async function settleByReading(
  unknown: readonly Pending[],
  refusals: ReadonlyMap<string, DataverseFailure>,
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<void> {
  const documents = unknown.map(({ document }) => document);
  const found = await readExisting(context.client, documents, context.signal);
  for (const { document, existing: before } of unknown) {
    const existing = found.get(document.key.toLowerCase());
    const outcome = existing === undefined ? undefined : outcomeOf(existing, document, context);
    // Somebody else created it meanwhile, so that what we sent was meant for a new row.
    const isOvertaken = before === undefined && existing !== undefined;
    if (outcome !== undefined) outcomes.set(document.key, outcome);
    else if (isOvertaken || !refusals.has(document.key)) {
      outcomes.set(document.key, toDocumentOutcome(notRun));
    }
  }
}

function delivered(id: string, { baseUrl }: WriteContext): Outcome {
  const url = `${baseUrl}/main.aspx?pagetype=entityrecord&etn=invoice&id=${id}`;
  return { kind: "delivered", reference: id, url };
}

function readId(entityId: string | null): string | undefined {
  return /\(([0-9a-f-]{36})\)$/i.exec(entityId ?? "")?.[1];
}

const notRun: DataverseFailure = {
  kind: "transient",
  code: "NOT_RUN",
  message: "The invoice was not written in this round",
};
