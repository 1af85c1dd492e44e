import { describe, expect, it } from "@jest/globals";
import { compareDocuments } from "../../../../functions/src/recovery/verify/compare-documents.ts";
import { selectRepairs } from "../../../../functions/src/recovery/verify/repair.ts";
import type {
  Finding,
  LedgerDocument,
  PostedDocument,
  TargetRecords,
} from "../../../../functions/src/recovery/verify/verification.ts";

const postedAt = Date.parse("2026-11-24T12:00:00Z");

function document(n: number, changes: Partial<PostedDocument> = {}): PostedDocument {
  return {
    legalEntity: "usmf",
    number: `CIV-${n}`,
    date: "2026-11-24",
    voucher: `ARI-${n}`,
    account: "US-001",
    salesOrder: "000741",
    kind: "sales",
    amount: 100,
    postedAt,
    effectKey: `key-${n}`,
    ...changes,
  };
}

function told(state: string | undefined, event = "published"): LedgerDocument {
  const base = { eventId: "e-1", time: "2026-11-24T12:00:00.000Z" };
  return {
    events: [{ ...base, state: event }],
    deliveries: state === undefined ? {} : { ce: [{ ...base, state }] },
  };
}

function compareOne(
  ledger: LedgerDocument | undefined,
  record: TargetRecords | undefined,
  changes: Partial<PostedDocument> = {},
  { isAsked = true, isAskedFor = false, isServed = true } = {},
) {
  return compareDocuments({
    target: "ce",
    documents: [document(1, changes)],
    ledger: new Map(ledger === undefined ? [] : [["key-1", ledger]]),
    records: isAsked ? new Map(record === undefined ? [] : [["key-1", record]]) : undefined,
    isAskedFor,
    isServed: () => isServed,
  });
}

const kept = { count: 1, amount: 100 };

describe("a document that F&O has posted", () => {
  it.each([
    ["delivered and there", told("delivered"), kept, "good"],
    [
      "delivered by one of two events",
      {
        ...told("delivered"),
        deliveries: {
          ce: [
            ...(told("skipped").deliveries["ce"] ?? []),
            ...(told("delivered").deliveries["ce"] ?? []),
          ],
        },
      },
      kept,
      "good",
    ],
    ["without an event", undefined, undefined, "missing"],
    ["delivered and gone", told("delivered"), undefined, "missing"],
    ["superseded and gone", told("superseded"), undefined, "missing"],
    ["published and never attempted", told(undefined), undefined, "missing"],
    ["there twice", told("delivered"), { count: 2, amount: 100 }, "doubled"],
    ["there with another total", told("delivered"), { count: 1, amount: 99.99 }, "differing"],
    ["on its way", told("pending"), undefined, "underWay"],
    ["not accepted yet", told(undefined, "received"), undefined, "underWay"],
    ["an open failure", told("failed"), undefined, "failed"],
    ["failed at intake", told(undefined, "failed"), undefined, "failed"],
    ["skipped by a rule", told("skipped"), undefined, "skipped"],
    ["discarded by a person", told("discarded"), undefined, "skipped"],
  ])("that is %s is counted as such", (_what, ledger, record, kind) => {
    const { counts, findings } = compareOne(ledger, record);

    expect(counts).toMatchObject([{ legalEntity: "usmf", compared: 1, [kind]: 1 }]);
    expect(findings.map((finding) => finding.kind)).toEqual(
      ["missing", "doubled", "differing"].includes(kind) ? [kind] : [],
    );
  });

  it("is left out by an earlier repair until a repair asks for its target", () => {
    const left = told("skipped");
    const [delivery] = left.deliveries["ce"] ?? [];
    const ledger = {
      ...left,
      deliveries: { ce: [{ eventId: "", time: "", state: "", ...delivery, rule: "NOT_REPAIRED" }] },
    };
    const before = compareOne(ledger, undefined, {}, { isAsked: false });
    const asked = compareOne(ledger, undefined, {}, { isAsked: false, isAskedFor: true });

    expect(before).toMatchObject({ counts: [{ skipped: 1, missing: 0 }], findings: [] });
    expect(asked.findings).toMatchObject([
      { kind: "missing", cause: "NOT_REPAIRED", eventId: "e-1" },
    ]);
  });

  it("is skipped, and not compared, by a target that does not take it", () => {
    const { counts, findings } = compareOne(undefined, undefined, {}, { isServed: false });

    expect(counts).toMatchObject([{ compared: 0, missing: 0, skipped: 1 }]);
    expect(findings).toEqual([]);
  });

  it("is named with the records that double it, for a person to look at", () => {
    const record = { count: 2, amount: 100, ids: ["row-1", "row-2"] };

    expect(compareOne(told("delivered"), record).findings).toMatchObject([
      { kind: "doubled", cause: "2 records: row-1, row-2" },
    ]);
  });

  it("is believed to be there by the ledger's word where the target cannot be asked", () => {
    const { counts } = compareOne(told("delivered"), undefined, {}, { isAsked: false });

    expect(counts).toMatchObject([{ good: 1, isAsked: false }]);
  });
});

describe("what may be repaired", () => {
  const noMail = { targets: new Set<string>(), include: [] };
  const missing = (count: number, target = "ce"): Finding[] =>
    Array.from({ length: count }, (_each, n) => ({
      kind: "missing",
      target,
      legalEntity: "usmf",
      number: `CIV-${n}`,
      effectKey: `key-${n}`,
      cause: "GONE",
      eventId: "e",
      time: "t",
      document: document(n),
      settledAt: null,
    }));
  const counts = (compared: number) =>
    compareDocuments({
      target: "ce",
      documents: Array.from({ length: compared }, (_each, n) => document(n)),
      ledger: new Map(),
      records: undefined,
      isAskedFor: false,
      isServed: () => true,
    }).counts;

  it.each([
    ["a handful of few", 5, 10, true],
    ["a hundredth", 100, 10_000, true],
    ["more than a hundredth", 6, 599, false],
    ["more than a hundred", 101, 1_000_000, false],
  ])("is %s: %d of %d (%s)", (_what, count, compared, isAllowed) => {
    const chosen = selectRepairs(
      missing(count),
      [...counts(Math.min(compared, 2_000))].map((each) => ({ ...each, compared })),
      noMail,
    );

    expect("findings" in chosen).toBe(isAllowed);
  });

  it.each([
    ["a target that has lost 3 % is not repaired", { ce: 30, crm: 0 }, false],
    ["nor are the others when one has lost too much", { ce: 30, crm: 1 }, false],
    ["a hundredth of each is", { ce: 10, crm: 10 }, true],
    ["a handful of each is", { ce: 5, crm: 5, email: 5 }, true],
  ] as const)("is judged by each target alone: %s", (_what, lost, isAllowed) => {
    const compared = ["ce", "crm", "email"].flatMap((target) =>
      counts(1).map((each) => ({ ...each, target, compared: 1_000 })),
    );
    const found = Object.entries(lost).flatMap(([target, count]) => missing(count, target));

    expect("findings" in selectRepairs(found, compared, noMail)).toBe(isAllowed);
  });

  it("is at most a hundred records of all targets together", () => {
    const compared = ["ce", "crm"].flatMap((target) =>
      counts(1).map((each) => ({ ...each, target, compared: 100_000 })),
    );
    const found = [...missing(60), ...missing(60, "crm")];

    expect(selectRepairs(found, compared, noMail)).toEqual({
      refusal:
        "60 records (0.1 %) of ce, 60 records (0.1 %) of crm are missing: too many to be repaired by themselves",
    });
  });

  it("does not become more by mail that was compared and not asked for", () => {
    const compared = ["ce", "email"].flatMap((target) =>
      counts(1).map((each) => ({ ...each, target, compared: 1_000 })),
    );
    const found = [...missing(15), ...missing(900, "email")];
    const mail = { targets: new Set(["email"]), include: [] };

    expect(selectRepairs(found, compared, mail)).toEqual({
      refusal: "15 records (1.5 %) of ce are missing: too many to be repaired by themselves",
    });
  });

  it.each([
    ["the word for all mail", "email"],
    ["its own name", "letters"],
  ])("leaves out what sends mail unless it is asked for by %s", (_what, name) => {
    const found = [...missing(1), ...missing(2, "letters")];
    const targets = new Set(["letters"]);

    expect(selectRepairs(found, counts(3), { targets, include: [] })).toEqual({
      findings: missing(1),
    });
    expect(selectRepairs(found, counts(3), { targets, include: [name] })).toEqual({
      findings: found,
    });
  });
});
