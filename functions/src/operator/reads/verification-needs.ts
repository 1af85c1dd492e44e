/*
 * What verifications of the last week left open. One that found differences, or broke off, is settled by a later
 * one that went well over its whole time: the nightly ones do not overlap enough to make an older
 * finding go away by themselves.
 */
import type {
  Verification,
  VerificationSummary,
  VerifyCounts,
} from "../../recovery/verify/verification.ts";
import type { Attention, LastVerification } from "./answers.ts";

const dayMs = 86_400_000;
const keptMs = 7 * dayMs;
/** An instance that ended cannot say so: longer than a run may take is over. */
const lostMs = 15 * 60_000;
const namedDifferences = 6;
const kinds = ["missing", "doubled", "differing"] as const;

export function isLost(
  { createdAt, state }: Pick<Verification, "createdAt" | "state">,
  now: number,
): boolean {
  return state === "running" && now - createdAt > lostMs;
}

/** `newestFirst`: as the store lists them. */
export function toVerificationNeeds(
  newestFirst: readonly VerificationSummary[],
  now: number,
): readonly Attention[] {
  return newestFirst.flatMap((each, index): readonly Attention[] => {
    if (now - each.createdAt > keptMs) return [];
    const isBroken = each.state === "failed" || isLost(each, now);
    const isOpen = isBroken || (each.state === "done" && each.differences.length > 0);
    const later = newestFirst.slice(0, index);
    if (!isOpen || later.some((other) => covers(other, each))) return [];
    const posted = `Posted ${toMinute(each.since)} to ${toMinute(each.until)}Z`;
    return [
      {
        kind: "verification",
        verification: each.id,
        title: isBroken ? "A verification broke off" : "What F&O posted and the targets differ",
        text: isBroken ? `${posted}: nobody knows.` : `${posted}: ${toText(each.differences)}.`,
        fix: isBroken ? `Verify again: ${toCommand(each)}` : toFix(each),
        since: toIso(each.endedAt ?? each.createdAt),
      },
    ];
  });
}

/** The last one that went to its end. */
export function toLastVerification(
  newestFirst: readonly VerificationSummary[],
): LastVerification | null {
  const last = newestFirst.find(({ state }) => state === "done");
  if (last === undefined) return null;
  const sum = (kind: (typeof kinds)[number]): number =>
    last.differences.reduce((total, each) => total + each[kind], 0);
  return {
    id: last.id,
    at: toIso(last.endedAt ?? last.createdAt),
    since: toIso(last.since),
    until: toIso(last.until),
    compared: last.compared,
    missing: sum("missing"),
    doubled: sum("doubled"),
    differing: sum("differing"),
  };
}

function covers(later: VerificationSummary, earlier: VerificationSummary): boolean {
  return later.state === "done" && later.since <= earlier.since && later.until >= earlier.until;
}

/** "usmf: 2 missing in ce, 1 doubled in crm; demf: …". */
function toText(differences: readonly VerifyCounts[]): string {
  const companies = [...new Set(differences.map(({ legalEntity }) => legalEntity))].sort();
  const named = companies.slice(0, namedDifferences).map((company) => {
    const own = differences.filter(({ legalEntity }) => legalEntity === company);
    const parts = own.flatMap((each) =>
      kinds.flatMap((kind) =>
        each[kind] === 0 ? [] : [`${each[kind]} ${kind} in ${each.target}`],
      ),
    );
    return `${company}: ${parts.join(", ")}`;
  });
  const more = companies.length - named.length;
  return `${named.join("; ")}${more > 0 ? `; and ${more} more companies` : ""}`;
}

function toFix(each: VerificationSummary): string {
  if (each.repaired > 0) {
    return `${each.repaired} were sent again; see that they arrived: ${toCommand(each)}`;
  }
  if (each.note !== "") {
    return `Nothing was sent: ${each.note}. Find what stopped them, then repair in shorter times: causeway verify --since … --until … --repair`;
  }
  const isMissing = each.differences.some(({ missing }) => missing > 0);
  return isMissing
    ? `Send what is missing: ${toCommand(each)} --repair`
    : `Put it right by hand, then verify again: ${toCommand(each)}`;
}

function toCommand({ since, until }: Pick<Verification, "since" | "until">): string {
  return `causeway verify --since ${toIso(since)} --until ${toIso(until)}`;
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}

/** `2026-11-27 02:15`, UTC. */
function toMinute(at: number): string {
  return toIso(at).slice(0, 16).replace("T", " ");
}
