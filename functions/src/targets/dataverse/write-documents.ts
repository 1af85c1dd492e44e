import type { Changeset, ChangesetAnswer } from "../../dynamics/dataverse-batch.ts";
import type { DataverseClient } from "../../dynamics/dataverse-client.ts";
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Outcome } from "../target.ts";
import { hasContent, readExisting } from "./existing-invoices.ts";
import type { ExistingInvoice } from "./existing-invoices.ts";
import type { InvoiceDocument } from "./invoice-document.ts";
import type { RequestSize } from "./request-size.ts";
import { countRows, toChangesets, traced } from "./to-changesets.ts";
import { toDocumentOutcome, toFailureOf, toOutcome, toReadFailure } from "./to-outcome.ts";

/**
 * Writes documents in packs, each pack one request with a changeset per document.
 *
 * A document that was never tried is written without a look, on the condition that its row is not there:
 * that is the rule, and it saves a third of the requests. All others, and those that CE refused on that
 * condition or any other, are first compared with what is there: whole and equal → delivered, closed →
 * delivered or CE_ROW_CLOSED. The rest is written. A changeset that fails concerns its own document only. A request
 * that fails as a whole: refused → its documents one by one; not answered → read again, what is missing
 * in two halves; throttled or away → the same outcome for every document that is left.
 */
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
  /** Trace context of the document's call, by key. */
  readonly traceparents: ReadonlyMap<string, string>;
}

/** By key; documents that the time did not reach have no outcome. */
export type DocumentOutcomes = Map<string, Outcome>;

interface Job {
  readonly documents: readonly InvoiceDocument[];
  /** Read a moment ago; without it the job starts by reading. */
  readonly open?: readonly Pending[];
  /** Nobody has looked: the rows are created or not touched at all. */
  readonly isFirst?: boolean;
  /** Only look whether the documents are there; what is not gets this as its outcome. */
  readonly after?: DataverseFailure;
}

interface Pending {
  readonly document: InvoiceDocument;
  readonly existing: ExistingInvoice | undefined;
  /** CE was not asked for it yet. */
  readonly isUnseen?: boolean;
}

type Next =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly jobs: readonly Job[] }
  | { readonly kind: "stop"; readonly outcome: Outcome };

const done: Next = { kind: "done" };

export async function writeDocuments(
  documents: readonly InvoiceDocument[],
  context: WriteContext,
): Promise<DocumentOutcomes> {
  const outcomes: DocumentOutcomes = new Map();
  const jobs = toFirstJobs(documents, context);
  const isTimeUp = (): boolean => context.signal.aborted || documents.length === 0;
  for (let job = jobs.shift(); job !== undefined && !isTimeUp(); job = jobs.shift()) {
    const next = await runJob(job, outcomes, context);
    // What broke off because the time was up says nothing about the documents.
    if (isTimeUp()) break;
    if (next.kind === "again") jobs.unshift(...next.jobs);
    if (next.kind === "stop") {
      const left = [...job.documents, ...jobs.flatMap((other) => other.documents)];
      for (const { key } of left) if (!outcomes.has(key)) outcomes.set(key, next.outcome);
      break;
    }
  }
  return outcomes;
}

/** One job reads for all that need it; what is to be written comes back in packs. */
function toFirstJobs(documents: readonly InvoiceDocument[], context: WriteContext): Job[] {
  const { rows } = context.size;
  const isNew = (document: InvoiceDocument): boolean =>
    !context.suspects.has(document.key) && countRows(document) <= rows;
  const fresh = documents
    .filter(isNew)
    .map((document) => ({ document, existing: undefined, isUnseen: true }));
  const others = documents.filter((document) => !isNew(document));
  return [
    ...toPacks(fresh, rows).map((job) => ({ ...job, isFirst: true })),
    ...(others.length === 0 ? [] : [{ documents: others }]),
  ];
}

/** As many documents as fit a request, in order; one that is too large stands alone. */
function toPacks(open: readonly Pending[], maxRows: number): readonly Job[] {
  const packs: Pending[][] = [];
  let rows = Infinity;
  for (const pending of open) {
    rows += countRows(pending.document);
    const pack = packs.at(-1);
    if (pack === undefined || rows > maxRows) {
      packs.push([pending]);
      rows = countRows(pending.document);
    } else pack.push(pending);
  }
  return packs.map((pack) => ({ documents: pack.map(({ document }) => document), open: pack }));
}

async function runJob(job: Job, outcomes: DocumentOutcomes, context: WriteContext): Promise<Next> {
  if (job.open === undefined) return readJob(job, outcomes, context);
  try {
    if (job.isFirst === true) return await create(job.open, outcomes, context);
    await write(job.open, outcomes, context);
    context.size.grow();
    return done;
  } catch (error) {
    return afterRequestFailed(toFailureOf(error), job.open, outcomes, context);
  }
}

async function readJob(job: Job, outcomes: DocumentOutcomes, context: WriteContext): Promise<Next> {
  try {
    const open = await settleExisting(job.documents, outcomes, context);
    if (job.after === undefined) {
      return { kind: "again", jobs: toPacks(open, context.size.rows) };
    }
    for (const { document } of open) outcomes.set(document.key, toDocumentOutcome(job.after));
    return done;
  } catch (error) {
    return afterReadFailed(toFailureOf(error), job);
  }
}

/** Those that CE refuses are looked at: their row may be there, or they break a rule. */
async function create(
  open: readonly Pending[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Promise<Next> {
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
  return refused.length === 0
    ? done
    : { kind: "again", jobs: [{ documents: refused.map(({ document }) => document) }] };
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

async function write(
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
async function settleExisting(
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

/** Nothing was written: without knowing what is there, nothing is. */
function afterReadFailed(failure: DataverseFailure, job: Job): Next {
  // Asked only whether a write arrived: what is known of the write is the better answer, unless nobody
  // has answered yet at all.
  if (job.after !== undefined && job.isFirst !== true)
    return { kind: "stop", outcome: toDocumentOutcome(job.after) };
  const outcome = toOutcome(toReadFailure(failure));
  return outcome.kind === "reject" && job.documents.length > 1
    ? oneByOne(job.documents)
    : { kind: "stop", outcome };
}

function afterRequestFailed(
  failure: DataverseFailure,
  open: readonly Pending[],
  outcomes: DocumentOutcomes,
  context: WriteContext,
): Next {
  const documents = open.map(({ document }) => document).filter(({ key }) => !outcomes.has(key));
  const isAlone = documents.length === 1;
  const isSuspect = documents.some(({ key }) => context.suspects.has(key));
  if (failure.kind === "unsure") {
    context.size.shrink();
    if (isAlone) {
      const isFirst = open.every((pending) => pending.isUnseen === true);
      return { kind: "again", jobs: [{ documents, after: failure, isFirst }] };
    }
    // Each half starts by reading: what did arrive is not written again.
    const middle = Math.ceil(documents.length / 2);
    const halves = [documents.slice(0, middle), documents.slice(middle)];
    return { kind: "again", jobs: halves.map((half) => ({ documents: half })) };
  }
  if (failure.kind === "permanent" || (failure.kind === "transient" && isSuspect)) {
    if (!isAlone) return oneByOne(documents);
  } else if (failure.kind !== "transient") {
    return { kind: "stop", outcome: toOutcome(failure) };
  }
  for (const { key } of documents) outcomes.set(key, toOutcome(failure));
  return done;
}

function oneByOne(documents: readonly InvoiceDocument[]): Next {
  return { kind: "again", jobs: documents.map((document) => ({ documents: [document] })) };
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
