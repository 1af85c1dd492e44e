/*
 * Writes documents in packs, each pack one request with a changeset per document.
 *
 * A document that was never tried is written without a look, on the condition that its row is not there:
 * that is the rule, and it saves a third of the requests. All others, and those that CE refused on that
 * condition or any other, are first compared with what is there: whole and equal → delivered, closed →
 * delivered or CE_ROW_CLOSED. The rest is written. A changeset that fails concerns its own document only. A request
 * that fails as a whole: refused → its documents one by one; not answered → read again, what is missing
 * in two halves; throttled or away → the same outcome for every document that is left.
 *
 * A document that CE never answers must not take the time of all others, for a request without an answer
 * costs a minute and a half of the invocation's four. So those that were in one come last and alone the next
 * time; halves wait until everything else has had its turn; and what was in an unanswered request and is
 * still undecided when the time is up gets that as its answer, an attempt, and not none.
 */
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { Outcome } from "../target.ts";
import type { InvoiceDocument } from "./invoice-document.ts";
import { countRows } from "./to-changesets.ts";
import { toDocumentOutcome, toFailureOf, toOutcome, toReadFailure } from "./to-outcome.ts";
import { createPack, settleExisting, writePack } from "./write-pack.ts";
import type { DocumentOutcomes, Pending, WriteContext } from "./write-pack.ts";

interface Job {
  readonly documents: readonly InvoiceDocument[];
  /** Read a moment ago; without it the job starts by reading. */
  readonly open?: readonly Pending[];
  /** Nobody has looked: the rows are created or not touched at all. */
  readonly isFirst?: boolean;
  /** Only look whether the documents are there; what is not gets this as its outcome. */
  readonly after?: DataverseFailure;
  /** Each document gets a request of its own. */
  readonly isAlone?: boolean;
}

interface Work extends WriteContext {
  /** Keys of documents that were in a request without an answer. */
  readonly unanswered: Set<string>;
  /** After this a request without an answer is not halved any more in this round. */
  readonly halvesUntil: number;
}

type Next =
  | { readonly kind: "done" }
  | { readonly kind: "again"; readonly jobs: readonly Job[] }
  /** When everything else had its turn. */
  | { readonly kind: "later"; readonly jobs: readonly Job[] }
  | { readonly kind: "stop"; readonly outcome: Outcome };

const done: Next = { kind: "done" };
/** Time for one request without an answer, and no second one. */
const halvingMs = 120_000;

export async function writeDocuments(
  documents: readonly InvoiceDocument[],
  context: WriteContext,
): Promise<DocumentOutcomes> {
  const outcomes: DocumentOutcomes = new Map();
  const halvesUntil = context.clock.now() + halvingMs;
  const work: Work = { ...context, unanswered: new Set(), halvesUntil };
  const { jobs, last } = toFirstJobs(documents, work);
  const take = (): Job | undefined => jobs.shift() ?? last.shift();
  for (let job = take(); job !== undefined && !isTimeUp(work); job = take()) {
    const next = await runJob(job, outcomes, work);
    if (isTimeUp(work)) break;
    if (next.kind === "again") jobs.unshift(...next.jobs);
    if (next.kind === "later") jobs.push(...next.jobs);
    if (next.kind === "stop") {
      const left = [job, ...jobs, ...last].flatMap((other) => other.documents);
      for (const { key } of left) if (!outcomes.has(key)) outcomes.set(key, next.outcome);
      break;
    }
  }
  if (isTimeUp(work)) settleCutOff(outcomes, work);
  return outcomes;
}

/** The others were not reached: that says nothing about them. */
function settleCutOff(outcomes: DocumentOutcomes, { unanswered }: Work): void {
  for (const key of unanswered) {
    if (!outcomes.has(key)) outcomes.set(key, toDocumentOutcome(cutOff));
  }
}

/** Read anew: it changes while we wait. */
function isTimeUp({ signal }: WriteContext): boolean {
  return signal.aborted;
}

/** One job reads for all that need it; what is to be written comes back in packs. */
function toFirstJobs(
  documents: readonly InvoiceDocument[],
  { size: { rows }, suspects, slow }: WriteContext,
): { readonly jobs: Job[]; readonly last: Job[] } {
  const isLast = (document: InvoiceDocument): boolean =>
    slow.has(document.key) || countRows(document) > rows;
  const isSuspect = ({ key }: InvoiceDocument): boolean => suspects.has(key);
  const early = documents.filter((document) => !isLast(document));
  const fresh = early
    .filter((document) => !isSuspect(document))
    .map((document) => ({ document, existing: undefined, isUnseen: true }));
  return {
    jobs: [
      ...toPacks(fresh, rows).map((job) => ({ ...job, isFirst: true })),
      ...toReadJobs(early.filter(isSuspect)),
    ],
    last: toReadJobs(documents.filter(isLast), { isAlone: true }),
  };
}

function toReadJobs(documents: readonly InvoiceDocument[], more: Partial<Job> = {}): Job[] {
  return documents.length === 0 ? [] : [{ ...more, documents }];
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

async function runJob(job: Job, outcomes: DocumentOutcomes, context: Work): Promise<Next> {
  if (job.open === undefined) return readJob(job, outcomes, context);
  if (job.isFirst === true && isTooLarge(job.documents, context)) {
    // Requests became smaller since it was packed.
    const { jobs, last } = toFirstJobs(job.documents, context);
    return { kind: "again", jobs: [...jobs, ...last] };
  }
  try {
    if (job.isFirst === true) {
      const refused = await createPack(job.open, outcomes, context);
      return { kind: "again", jobs: toReadJobs(refused) };
    }
    await writePack(job.open, outcomes, context);
    context.size.grow();
    return done;
  } catch (error) {
    return afterRequestFailed(toFailureOf(error), job.open, outcomes, context);
  }
}

function isTooLarge(documents: readonly InvoiceDocument[], { size }: WriteContext): boolean {
  return documents.reduce((rows, document) => rows + countRows(document), 0) > size.rows;
}

async function readJob(job: Job, outcomes: DocumentOutcomes, context: Work): Promise<Next> {
  try {
    const open = await settleExisting(job.documents, outcomes, context);
    if (job.after === undefined) {
      const rows = job.isAlone === true ? 0 : context.size.rows;
      return { kind: "again", jobs: toPacks(open, rows) };
    }
    for (const { document } of open) outcomes.set(document.key, toDocumentOutcome(job.after));
    return done;
  } catch (error) {
    return afterReadFailed(toFailureOf(error), job);
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
  context: Work,
): Next {
  const documents = open.map(({ document }) => document).filter(({ key }) => !outcomes.has(key));
  if (failure.kind === "unsure" || isTimeUp(context)) {
    for (const { key } of documents) context.unanswered.add(key);
    const isFirst = open.every((pending) => pending.isUnseen === true);
    return isTimeUp(context) ? done : afterSilence(failure, documents, isFirst, context);
  }
  const isAlone = documents.length === 1;
  const isSuspect = documents.some(({ key }) => context.suspects.has(key));
  if (failure.kind === "permanent" || (failure.kind === "transient" && isSuspect)) {
    if (!isAlone) return oneByOne(documents);
  } else if (failure.kind !== "transient") {
    return { kind: "stop", outcome: toOutcome(failure) };
  }
  for (const { key } of documents) outcomes.set(key, toOutcome(failure));
  return done;
}

/** No answer in the time that a request has. */
function afterSilence(
  failure: DataverseFailure,
  documents: readonly InvoiceDocument[],
  isFirst: boolean,
  { size, clock, halvesUntil }: Work,
): Next {
  size.shrink();
  if (documents.length === 1 || clock.now() >= halvesUntil) {
    return { kind: "again", jobs: [{ documents, after: failure, isFirst }] };
  }
  // Each half starts by reading: what did arrive is not written again.
  const middle = Math.ceil(documents.length / 2);
  const halves = [documents.slice(0, middle), documents.slice(middle)];
  return { kind: "later", jobs: halves.map((half) => ({ documents: half })) };
}

function oneByOne(documents: readonly InvoiceDocument[]): Next {
  return { kind: "again", jobs: documents.map((document) => ({ documents: [document] })) };
}

const cutOff: DataverseFailure = {
  kind: "unsure",
  code: "ABORTED",
  message: "The invocation's time was up before CE answered",
};
