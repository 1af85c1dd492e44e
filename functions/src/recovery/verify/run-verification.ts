import { asError, CausewayError } from "../../platform/causeway-error.ts";
import { toReplayId } from "../replay/replay-store.ts";
import { toBrokenNote } from "./broken-note.ts";
import { compareSlice } from "./compare-slice.ts";
import type { SliceDependencies } from "./compare-slice.ts";
import { mergeCounts } from "./merge-counts.ts";
import { readFailedEvents } from "./read-known.ts";
import type { NamedEvents } from "./read-known.ts";
import { countLeftMails, countLeftVersions, repair, selectRepairs } from "./repair.ts";
import type { MailChoice, RepairDependencies, Repaired } from "./repair.ts";
import { createIsServed, toMailTargets } from "./served-documents.ts";
import type { Finding, Verification, VerifyCounts } from "./verification.ts";
import type { VerificationStore } from "./verification-store.ts";

export type VerifyDependencies = RepairDependencies &
  SliceDependencies & {
    readonly verifications: VerificationStore;
  };

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
/** For comparing, and for repairing what it takes with it: the host ends a call after ten minutes. */
const limitMs = 8 * 60_000;
const wholeMs = 9.5 * 60_000;

/** What is known so far; whatever breaks off leaves it standing. */
interface Run {
  readonly begun: Verification;
  readonly mail: MailChoice;
  counts: readonly VerifyCounts[];
  readonly findings: Finding[];
  /** Everything posted before it is compared. */
  comparedTo: number;
  repaired: Repaired;
}

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
    ...nothingDone,
  };
  await on.verifications.save(verification);
  return verification;
}

const nothingDone: Repaired = { note: "", replayId: "", repaired: 0 };

/** Compares, repairs when it is asked to and may, and stores the report whatever happens. */
export async function runVerification(
  on: VerifyDependencies,
  begun: Verification,
  signal = AbortSignal.timeout(limitMs),
): Promise<Verification> {
  const mail = { targets: toMailTargets(on.flows), include: begun.include };
  const { since: comparedTo } = begun;
  const run: Run = { begun, mail, counts: [], findings: [], comparedTo, repaired: nothingDone };
  const startedAt = on.clock.now();
  try {
    await compareAll(on, run, signal);
    run.repaired = await repairFound(on, run, wholeMs - (on.clock.now() - startedAt));
    const ended = { ...toReport(run), state: "done" as const, endedAt: on.clock.now() };
    await on.verifications.save(ended);
    tell(on, ended);
    return ended;
  } catch (error) {
    on.telemetry.error(asError(error), { name: "verify", verificationId: begun.id });
    // Before the report: what broke it off may keep that from being stored, too.
    tellWhole(on, begun.id, "failed");
    const report = toReport(run);
    const note = toBrokenNote(report, toCause(error, signal));
    const endedAt = on.clock.now();
    await on.verifications.save({ ...report, note, state: "failed", endedAt });
    throw error;
  }
}

/** Our own errors say nothing that must not be read; of others the name is told. */
function toCause(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return `its ${limitMs / 60_000} minutes were over`;
  return error instanceof CausewayError ? `${error.code}, ${error.message}` : asError(error).name;
}

async function compareAll(on: VerifyDependencies, run: Run, signal: AbortSignal): Promise<void> {
  const { begun, mail } = run;
  let failed: Promise<NamedEvents> | undefined;
  const question = {
    targets: [...on.targets.keys()],
    isServed: createIsServed(on.flows, on.config),
    isAskedFor: (target: string) =>
      begun.repair &&
      (begun.include.includes(target) ||
        (mail.targets.has(target) && begun.include.includes("email"))),
    failed: () => (failed ??= readFailedEvents(on, begun.since)),
    signal,
  };
  let savedAt = on.clock.now();
  while (run.comparedTo < begun.until) {
    signal.throwIfAborted();
    const until = Math.min(run.comparedTo + sliceMs, begun.until);
    const compared = await compareSlice(on, question, run.comparedTo, until);
    run.counts = mergeCounts([...run.counts, ...compared.counts]);
    run.findings.push(...compared.findings);
    run.comparedTo = until;
    if (on.clock.now() - savedAt < progressMs) continue;
    savedAt = on.clock.now();
    await on.verifications.save(toReport(run));
  }
}

async function repairFound(on: VerifyDependencies, run: Run, leftMs: number): Promise<Repaired> {
  const { begun, counts, findings, mail } = run;
  if (!begun.repair) return nothingDone;
  const chosen = selectRepairs(findings, counts, mail);
  if ("refusal" in chosen) return { ...nothingDone, note: chosen.refusal };
  const left = toLeftOut(findings, mail);
  if (chosen.findings.length === 0) {
    return { ...nothingDone, note: `there was nothing to repair${left}` };
  }
  const repaired = await repair(on, chosen.findings, {
    by: begun.by,
    signal: AbortSignal.timeout(Math.max(0, Math.floor(leftMs))),
    onBegun: async (soFar) => {
      run.repaired = soFar;
      await on.verifications.save(toReport(run));
    },
  });
  return { ...repaired, note: `${repaired.note}${left}` };
}

/** What is missing and was not sent, and how it is. */
function toLeftOut(findings: readonly Finding[], choice: MailChoice): string {
  const mails = countLeftMails(findings, choice);
  const versions = countLeftVersions(findings);
  const mail = mails === 0 ? "" : `; mail left out: ${mails} (--include email)`;
  if (versions === 0) return mail;
  return `${mail}; newer versions left out: ${versions} (send them again from F&O)`;
}

function toReport({ begun, comparedTo, counts, findings, repaired }: Run): Verification {
  return {
    ...begun,
    ...repaired,
    comparedTo: new Date(comparedTo).toISOString(),
    counts,
    findings: findings.map(
      ({ kind, target, legalEntity, number, effectKey, cause, eventId, time }) => ({
        ...{ kind, target, legalEntity, number, effectKey, cause, eventId, time },
      }),
    ),
  };
}

/** One event at least, whatever was posted: that none has come says that nobody compared. */
function tell(on: VerifyDependencies, verification: Verification): void {
  if (verification.counts.length === 0) tellWhole(on, verification.id, "ok");
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

/** About no company and no target in particular. */
function tellWhole(
  { telemetry }: VerifyDependencies,
  verificationId: string,
  result: "failed" | "ok",
): void {
  telemetry.event("verification", { verificationId, legalEntity: "", target: "", result });
}
