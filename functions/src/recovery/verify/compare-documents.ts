import { newerVersionGone } from "./verification.ts";
import type {
  Finding,
  FindingKind,
  LedgerDelivery,
  LedgerDocument,
  PostedDocument,
  TargetRecords,
  VerifyCounts,
} from "./verification.ts";

export interface CompareInput {
  readonly target: string;
  readonly documents: readonly PostedDocument[];
  readonly ledger: ReadonlyMap<string, LedgerDocument>;
  /** By effect key; undefined for a target that cannot be asked. */
  readonly records: ReadonlyMap<string, TargetRecords> | undefined;
  /** A repair names this target: what an earlier one left out for it is to be begun too. */
  readonly isAskedFor: boolean;
  /** The target takes it: what it does not take can neither be missing nor be repaired. */
  readonly isServed: (document: PostedDocument) => boolean;
}

export interface Compared {
  readonly counts: readonly VerifyCounts[];
  readonly findings: readonly Finding[];
}

type Verdict =
  | { readonly kind: "good" | "underWay" | "failed" | "skipped" }
  | {
      readonly kind: FindingKind;
      readonly cause: string;
      readonly about: LedgerDelivery | undefined;
    };

/** Most settled first: two events for one document make one effect. */
const ranks = ["delivered", "superseded", "pending", "failed", "discarded", "skipped"];
/** Amounts travel through decimals of a currency; less than this is no difference. */
const tolerance = 0.005;

/** What one target has of what F&O has posted, per legal entity. */
export function compareDocuments(input: CompareInput): Compared {
  const counts = new Map<string, VerifyCounts>();
  const findings: Finding[] = [];
  for (const document of input.documents) {
    const isServed = input.isServed(document);
    const verdict: Verdict = isServed ? judge(input, document) : { kind: "skipped" };
    count(counts, input, document.legalEntity, { kind: verdict.kind, isServed });
    if (!("cause" in verdict)) continue;
    const { kind, cause, about } = verdict;
    const { legalEntity, number, effectKey } = document;
    const { eventId = "", time = "", settledAt = null } = about ?? {};
    const { target } = input;
    const names = { target, legalEntity, number, effectKey, eventId, time };
    findings.push({ kind, ...names, cause, document, settledAt });
  }
  return { counts: [...counts.values()], findings };
}

function judge(input: CompareInput, document: PostedDocument): Verdict {
  const known = input.ledger.get(document.effectKey);
  const records = input.records?.get(document.effectKey);
  if (records !== undefined && records.count > 1) {
    const about = known?.deliveries[input.target]?.[0];
    return { kind: "doubled", cause: toDoubledCause(records), about };
  }
  if (known === undefined) {
    // There although no event told of it: repaired before, or entered by hand under our key.
    if (records !== undefined) return toContentVerdict(document, records, undefined);
    return { kind: "missing", cause: "NO_EVENT", about: undefined };
  }
  const delivery = best(known.deliveries[input.target] ?? []);
  if (delivery === undefined) return toUndeliveredVerdict(known);
  switch (delivery.state) {
    case "delivered":
    case "superseded": {
      if (input.records === undefined) return { kind: "good" };
      if (records !== undefined) return toContentVerdict(document, records, delivery);
      const cause = delivery.state === "superseded" ? newerVersionGone : "GONE";
      return { kind: "missing", cause, about: delivery };
    }
    case "failed":
      return { kind: "failed" };
    case "skipped":
      // Skipped by a repair that was for other targets: mail that nobody had asked for, and somebody does now.
      if (delivery.rule === "NOT_REPAIRED" && input.isAskedFor && records === undefined) {
        return { kind: "missing", cause: "NOT_REPAIRED", about: delivery };
      }
      return { kind: "skipped" };
    case "discarded":
      return { kind: "skipped" };
    default:
      return { kind: "underWay" };
  }
}

/** With their ids: a person has to look at each and decide which one stays. */
function toDoubledCause({ count, ids = [] }: TargetRecords): string {
  return ids.length === 0 ? `${count} records` : `${count} records: ${ids.join(", ")}`;
}

/** An event that has not come as far as the target's row. */
function toUndeliveredVerdict(known: LedgerDocument): Verdict {
  const published = known.events.find(({ state }) => state === "published");
  if (published !== undefined) {
    return { kind: "missing", cause: "NEVER_ATTEMPTED", about: published };
  }
  if (known.events.some(({ state }) => state === "failed")) return { kind: "failed" };
  if (known.events.some(({ state }) => state === "discarded")) return { kind: "skipped" };
  return { kind: "underWay" };
}

function toContentVerdict(
  document: PostedDocument,
  { amount }: TargetRecords,
  about: LedgerDelivery | undefined,
): Verdict {
  if (amount === null || Math.abs(amount - document.amount) < tolerance) return { kind: "good" };
  return { kind: "differing", cause: "the total is another", about };
}

function best(deliveries: readonly LedgerDelivery[]): LedgerDelivery | undefined {
  const rank = ({ state }: LedgerDelivery): number => {
    const at = ranks.indexOf(state);
    return at === -1 ? ranks.length : at;
  };
  return [...deliveries].sort((a, b) => rank(a) - rank(b))[0];
}

function count(
  counts: Map<string, VerifyCounts>,
  { target, records }: CompareInput,
  legalEntity: string,
  { kind, isServed }: { readonly kind: Verdict["kind"]; readonly isServed: boolean },
): void {
  const before = counts.get(legalEntity) ?? {
    legalEntity,
    target,
    compared: 0,
    good: 0,
    missing: 0,
    doubled: 0,
    differing: 0,
    underWay: 0,
    failed: 0,
    skipped: 0,
    isAsked: records !== undefined,
  };
  counts.set(legalEntity, {
    ...before,
    // What the target does not take must not widen the share that may be repaired.
    compared: before.compared + (isServed ? 1 : 0),
    [kind]: before[kind] + 1,
  });
}
