import type { FinanceClient } from "../../dynamics/finance-client.ts";
import { compareDocuments } from "./compare-documents.ts";
import type { Compared } from "./compare-documents.ts";
import { confirmDoubles } from "./confirm-doubles.ts";
import { readKinds } from "./read-kinds.ts";
import { addNamed, readKnown } from "./read-known.ts";
import type { KnownDependencies, NamedEvents } from "./read-known.ts";
import { readUnwanted } from "./read-unwanted.ts";
import type { UnwantedDependencies } from "./read-unwanted.ts";
import { readPosted } from "./read-sources.ts";
import type { IsServed } from "./served-documents.ts";
import type {
  Finding,
  LedgerDocument,
  PostedDocument,
  TargetRecords,
  VerifyCounts,
} from "./verification.ts";

/** What a target holds under the documents' keys; by target, for those that can be asked. */
export type TargetReaders = Readonly<
  Record<
    string,
    (
      documents: readonly PostedDocument[],
      signal: AbortSignal,
    ) => Promise<ReadonlyMap<string, TargetRecords>>
  >
>;

export interface SliceDependencies extends KnownDependencies, UnwantedDependencies {
  readonly ledger: KnownDependencies["ledger"] & UnwantedDependencies["ledger"];
  readonly finance: FinanceClient;
  readonly readers: TargetReaders;
}

/** What is the same for every hour of a verification. */
interface SliceQuestion {
  readonly targets: readonly string[];
  readonly isServed: IsServed;
  /** A repair names the target: what an earlier one left out for it is to be begun too. */
  readonly isAskedFor: (target: string) => boolean;
  /** Failures of events that the ledger does not have; read by the first hour that needs them. */
  readonly failed: () => Promise<NamedEvents>;
  readonly signal: AbortSignal;
}

/** Documents posted in a short time, at every target. */
export async function compareSlice(
  on: SliceDependencies,
  question: SliceQuestion,
  since: number,
  until: number,
): Promise<Compared> {
  const posted = await readPosted(on.finance, since, until, question.signal);
  if (posted.length === 0) return { counts: [], findings: [] };
  const ledger = await readKnown(on, posted, since, until);
  if (posted.some(({ effectKey }) => !ledger.has(effectKey))) {
    addNamed(ledger, posted, await question.failed());
  }
  const documents = await withKinds(on, posted, ledger, question.signal);
  const counts: VerifyCounts[] = [];
  const findings: Finding[] = [];
  for (const target of question.targets) {
    const compared = await compareTarget(on, question, { target, documents, ledger });
    counts.push(...compared.counts);
    findings.push(...compared.findings);
  }
  return { counts, findings };
}

interface SliceTarget {
  readonly target: string;
  readonly documents: readonly PostedDocument[];
  readonly ledger: ReadonlyMap<string, LedgerDocument>;
}

async function compareTarget(
  on: SliceDependencies,
  { isAskedFor, isServed, signal }: SliceQuestion,
  { documents, ledger, target }: SliceTarget,
): Promise<Compared> {
  const isTaken = (document: PostedDocument): boolean =>
    isServed(document, { target, isKnown: ledger.has(document.effectKey) });
  const taken = documents.filter(isTaken);
  const found = taken.length === 0 ? undefined : await on.readers[target]?.(taken, signal);
  // Of a target that can be asked, and need not be.
  const empty = on.readers[target] === undefined ? undefined : new Map<string, TargetRecords>();
  const records =
    found === undefined ? empty : await confirmDoubles(on.finance, taken, found, signal);
  const compare = (isServed: (document: PostedDocument) => boolean): Compared =>
    compareDocuments({
      ...{ target, documents, ledger, records },
      isAskedFor: isAskedFor(target),
      isServed,
    });
  const compared = compare(isTaken);
  const unwanted = await readUnwanted(on, target, compared.findings, signal);
  if (unwanted.size === 0) return compared;
  return compare((document) => isTaken(document) && !unwanted.has(document.effectKey));
}

/** Only where no event has said it. */
async function withKinds(
  on: SliceDependencies,
  documents: readonly PostedDocument[],
  ledger: ReadonlyMap<string, LedgerDocument>,
  signal: AbortSignal,
): Promise<readonly PostedDocument[]> {
  const isOpen = ({ effectKey, salesOrder }: PostedDocument): boolean =>
    salesOrder === "" && !ledger.has(effectKey);
  const told = await readKinds(on.finance, documents.filter(isOpen), signal);
  return [...documents.filter((document) => !isOpen(document)), ...told];
}
