import { asError, CausewayError } from "../../platform/causeway-error.ts";
import { toReplayId } from "../replay/replay-store.ts";
import { compareDocuments } from "./compare-documents.ts";
import { readNamedEvents, toDocumentName } from "./read-named-events.ts";
import { readLedgerDocuments, readPosted } from "./read-sources.ts";
import { countLeftMails, countLeftVersions, repair, selectRepairs } from "./repair.ts";
import type { RepairDependencies } from "./repair.ts";
import type {
  Finding,
  LedgerDocument,
  PostedDocument,
  TargetRecords,
  Verification,
  VerifyCounts,
} from "./verification.ts";
import type { VerificationStore } from "./verification-store.ts";

/** What a target holds under effect keys; by target, for those that can be asked. */
export type TargetReaders = Readonly<
  Record<
    string,
    (
      effectKeys: readonly string[],
      signal: AbortSignal,
    ) => Promise<ReadonlyMap<string, TargetRecords>>
  >
>;

export interface VerifyDependencies extends RepairDependencies {
  readonly verifications: VerificationStore;
  readonly readers: TargetReaders;
}

export interface VerifyRequest {
  readonly since: number;
  readonly until: number;
  readonly repair: boolean;
  readonly include: readonly string[];
  readonly by: string;
}

/** An hour's documents are read and forgotten before the next one's. */
const sliceMs = 3_600_000;
/** What was posted this lately may still be on its way. */
export const settleMs = 15 * 60_000;
/** How often the report says how far it is, at most. */
const progressMs = 2_000;
/** Under the host's ten minutes. */
const limitMs = 8 * 60_000;

/** The report as it begins; stored, so that whoever asked can look. */
export async function beginVerification(
  on: VerifyDependencies,
  request: VerifyRequest,
): Promise<Verification> {
  const now = on.clock.now();
  const verification: Verification = {
    ...request,
    id: toReplayId(now),
    state: "running",
    createdAt: now,
    endedAt: null,
    counts: [],
    findings: [],
    note: "",
    replayId: "",
    repaired: 0,
  };
  await on.verifications.save(verification);
  return verification;
}

/** Compares, repairs when it is asked to and may, and stores the report whatever happens. */
export async function runVerification(
  on: VerifyDependencies,
  begun: Verification,
): Promise<Verification> {
  try {
    const compared = await compareAll(on, begun);
    const repaired = await repairFound(on, begun, compared);
    const ended = end(on, { ...begun, ...toReport(compared), ...repaired, state: "done" });
    await on.verifications.save(ended);
    tell(on, ended);
    return ended;
  } catch (error) {
    on.telemetry.error(asError(error), { name: "verify", verificationId: begun.id });
    await on.verifications.save(
      end(on, { ...begun, state: "failed", note: `it broke off: ${toCause(error)}` }),
    );
    throw error;
  }
}

/** Our own errors say nothing that must not be read; of others the name is told. */
function toCause(error: unknown): string {
  return error instanceof CausewayError ? `${error.code}, ${error.message}` : asError(error).name;
}

interface All {
  readonly counts: readonly VerifyCounts[];
  readonly findings: readonly Finding[];
}

async function compareAll(on: VerifyDependencies, begun: Verification): Promise<All> {
  const signal = AbortSignal.timeout(limitMs);
  const counts: VerifyCounts[] = [];
  const findings: Finding[] = [];
  let savedAt = on.clock.now();
  for (let since = begun.since; since < begun.until; since += sliceMs) {
    signal.throwIfAborted();
    const until = Math.min(since + sliceMs, begun.until);
    const documents = await readPosted(on.finance, since, until, signal);
    if (documents.length === 0) continue;
    const ledger = await readKnown(on, documents, since, until);
    for (const target of on.targets.keys()) {
      const keys = documents.map(({ effectKey }) => effectKey);
      const records = await on.readers[target]?.(keys, signal);
      const goLive = Date.parse(on.config.targets[target]?.goLive ?? "1970-01-01T00:00:00Z");
      const isAskedFor = begun.repair && begun.include.includes(target);
      const input = { target, documents, ledger, records, isAskedFor, goLive };
      const compared = compareDocuments(input);
      counts.push(...compared.counts);
      findings.push(...compared.findings);
    }
    if (on.clock.now() - savedAt < progressMs) continue;
    savedAt = on.clock.now();
    const soFar = toReport({ counts: mergeCounts(counts), findings });
    await on.verifications.save({ ...begun, ...soFar });
  }
  return { counts: mergeCounts(counts), findings };
}

/** What the ledger knows of each document, of one too that intake could not read in F&O and failed on. */
async function readKnown(
  on: VerifyDependencies,
  documents: readonly PostedDocument[],
  since: number,
  until: number,
): Promise<ReadonlyMap<string, LedgerDocument>> {
  const { byEffectKey, unread } = await readLedgerDocuments(on.store, since, until);
  const named = await readNamedEvents(on, unread);
  const known = new Map(byEffectKey);
  for (const document of documents) {
    const events = named.get(toDocumentName(document));
    if (events !== undefined && !known.has(document.effectKey)) {
      known.set(document.effectKey, { events, deliveries: {} });
    }
  }
  return known;
}

async function repairFound(
  on: VerifyDependencies,
  { by, include, repair: isWanted }: Verification,
  { counts, findings }: All,
): Promise<Pick<Verification, "note" | "repaired" | "replayId">> {
  const none = { repaired: 0, replayId: "" };
  if (!isWanted) return { ...none, note: "" };
  const chosen = selectRepairs(findings, counts, include);
  if ("refusal" in chosen) return { ...none, note: chosen.refusal };
  const left = toLeftOut(findings, include);
  if (chosen.findings.length === 0) return { ...none, note: `there was nothing to repair${left}` };
  const repaired = await repair(on, chosen.findings, by, AbortSignal.timeout(limitMs));
  return { ...repaired, note: `${repaired.note}${left}` };
}

/** What is missing and was not sent, and how it is. */
function toLeftOut(findings: readonly Finding[], include: readonly string[]): string {
  const mails = countLeftMails(findings, include);
  const versions = countLeftVersions(findings);
  const mail = mails === 0 ? "" : `; mail left out: ${mails} (--include email)`;
  if (versions === 0) return mail;
  return `${mail}; newer versions left out: ${versions} (send them again from F&O)`;
}

function toReport({ counts, findings }: All): Pick<Verification, "counts" | "findings"> {
  return {
    counts,
    findings: findings.map(
      ({ kind, target, legalEntity, number, effectKey, cause, eventId, time }) => ({
        kind,
        target,
        legalEntity,
        number,
        effectKey,
        cause,
        eventId,
        time,
      }),
    ),
  };
}

function mergeCounts(counts: readonly VerifyCounts[]): readonly VerifyCounts[] {
  const merged = new Map<string, VerifyCounts>();
  for (const each of counts) {
    const key = JSON.stringify([each.legalEntity, each.target]);
    const before = merged.get(key);
    merged.set(key, before === undefined ? each : addCounts(before, each));
  }
  return [...merged.values()];
}

function addCounts(a: VerifyCounts, b: VerifyCounts): VerifyCounts {
  return {
    ...a,
    compared: a.compared + b.compared,
    good: a.good + b.good,
    missing: a.missing + b.missing,
    doubled: a.doubled + b.doubled,
    differing: a.differing + b.differing,
    underWay: a.underWay + b.underWay,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

function end(on: VerifyDependencies, verification: Verification): Verification {
  return { ...verification, endedAt: on.clock.now() };
}

function tell(on: VerifyDependencies, verification: Verification): void {
  for (const each of verification.counts) {
    const { legalEntity, target, compared, missing, doubled, differing } = each;
    const result = missing + doubled + differing > 0 ? "differences" : "ok";
    on.telemetry.event(
      "verification",
      { verificationId: verification.id, legalEntity, target, result },
      { compared, missing, doubled, differing, repaired: verification.repaired },
    );
  }
}
