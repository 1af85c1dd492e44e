import { describe, expect, it } from "@jest/globals";
import { checkWorld, type Accepted, type Verdict } from "../../chaos/check-world.ts";
import type { Content, FailureRow, LedgerRow, WorldSnapshot } from "../../chaos/read-world.ts";

const number = "CHAOS-000001";
const mailTo = "ap@contoso-retail.example";
const document: Accepted = { number, lines: 2, mailTo, eventIds: ["e1"], round: "alone" };

function row(target: string, state: string, more: Partial<LedgerRow> = {}): LedgerRow {
  const empty = { code: "", rule: "", reference: "", failureId: "", hop: 1, attempts: 1 };
  return { eventId: "e1", target, state, ...empty, ...more };
}

const rows = {
  intake: row("intake", "published"),
  ce: row("ce", "delivered", { reference: "CE-1" }),
  crm: row("crm", "delivered", { reference: "CRM-1" }),
  email: row("email", "delivered", { reference: "MAIL-1" }),
};

const content: Content = { total: 12.5, account: "US-001", lines: ["1:1:10", "2:5:2.5"] };

const sound: WorldSnapshot = {
  finance: new Map([[number, content]]),
  ce: [{ id: "ce-1", number, ...content }],
  crm: [{ id: "CRM-1", number, ...content }],
  mails: [{ operationId: "mail-1", number, to: mailTo }],
  ledger: Object.values(rows),
  failures: [],
};

/** The round may leave what CE refuses, and what nobody knows. */
const mayLeave = new Set(["CE_REJECTED", "OUTCOME_UNKNOWN", "CRM_AMBIGUOUS"]);

function judge(documents: readonly Accepted[], world: WorldSnapshot): Verdict {
  return checkWorld(documents, world, (round) => (round === "alone" ? mayLeave : new Set()));
}

function check(changes: Partial<WorldSnapshot>): readonly string[] {
  const { problems } = judge([document], { ...sound, ...changes });
  return problems.map(({ kind, text }) => `${kind}: ${text}`);
}

const ledgerWith = (changed: LedgerRow): readonly LedgerRow[] => [
  ...Object.values(rows).filter(({ target }) => target !== changed.target),
  changed,
];

const failure: FailureRow = {
  failureId: "f1",
  target: "ce",
  code: "CE_REJECTED",
  reason: "too much",
  eventId: "e1",
  status: "open",
};

describe("the checker of a chaos run", () => {
  it("finds nothing wrong with one effect per target", () => {
    expect(judge([document], sound)).toEqual({
      accepted: 1,
      effects: { ce: 1, crm: 1, email: 1 },
      skipped: 0,
      failuresOpen: 0,
      lost: 0,
      doubled: 0,
      unchecked: 0,
      openCodes: {},
      problems: [],
    });
  });

  it.each([
    ["ce", { ce: [] }],
    ["crm", { crm: [] }],
    ["email", { mails: [] }],
  ] as const)("finds an effect that %s lost although the ledger promises it", (target, world) => {
    const verdict = judge([document], { ...sound, ...world });
    expect(verdict.lost).toBe(1);
    expect(verdict.problems[0]?.text).toContain(`the ledger says ${target} has it`);
  });

  it.each([
    ["ce", { ce: [...sound.ce, { id: "ce-2", number, ...content }] }],
    ["crm", { crm: [...sound.crm, { id: "CRM-2", number, ...content }] }],
    ["email", { mails: [...sound.mails, { operationId: "mail-2", number, to: mailTo }] }],
  ] as const)("finds an effect that %s holds twice", (_target, world) => {
    expect(judge([document], { ...sound, ...world }).doubled).toBe(1);
  });

  it("finds an accepted event that no ledger knows", () => {
    expect(check({ ledger: [], ce: [], crm: [], mails: [] })).toEqual([
      `lost: ${number}: event e1 is in no ledger`,
    ]);
  });

  it("finds a target that a published event was never sent to", () => {
    const ledger = sound.ledger.filter(({ target }) => target !== "crm");
    expect(check({ ledger, crm: [] })).toEqual([
      `lost: ${number}: crm has no ledger row for one of its events`,
    ]);
  });

  it("takes an open failure for an end, and its absence for a loss", () => {
    const ledger = ledgerWith(row("ce", "failed", { code: "CE_REJECTED", failureId: "f1" }));
    const told = judge([document], { ...sound, ledger, ce: [], failures: [failure] });
    expect([told.failuresOpen, told.lost, told.problems]).toEqual([1, 0, []]);
    expect(told.openCodes).toEqual({ alone: { "ce CE_REJECTED": 1 } });
    expect(judge([document], { ...sound, ledger, ce: [] }).lost).toBe(1);
  });

  it("finds an effect that the ledger calls failed, unless the failure says that it may be there", () => {
    const failed = row("ce", "failed", { code: "CE_REJECTED", failureId: "f1" });
    expect(check({ ledger: ledgerWith(failed), failures: [failure] })).toEqual([
      `disagrees: ${number}: ce holds it, and the ledger says failed CE_REJECTED`,
    ]);
    const unknown = { ...failed, code: "OUTCOME_UNKNOWN" };
    expect(check({ ledger: ledgerWith(unknown), failures: [failure] })).toEqual([]);
    const several = { ...row("crm", "failed", { failureId: "f1" }), code: "CRM_AMBIGUOUS" };
    expect(check({ ledger: ledgerWith(several), failures: [failure] })).toEqual([]);
  });

  it("finds an effect that the ledger calls skipped", () => {
    const ledger = ledgerWith(row("email", "skipped", { rule: "NO_RECIPIENT" }));
    expect(check({ ledger })).toEqual([
      `disagrees: ${number}: email holds it, and the ledger says skipped NO_RECIPIENT`,
      `disagrees: ${number}: email was skipped by NO_RECIPIENT`,
    ]);
    const silent = { ...document, mailTo: "" };
    const verdict = judge([silent], { ...sound, ledger, mails: [] });
    expect([verdict.skipped, verdict.problems]).toEqual([1, []]);
  });

  it.each([
    ["ce", "DRY_RUN", { ce: [] }],
    ["email", "NO_RECIPIENT", { mails: [] }],
  ])("finds a delivery to %s that was skipped by %s without a reason", (target, rule, world) => {
    expect(check({ ...world, ledger: ledgerWith(row(target, "skipped", { rule })) })).toEqual([
      `disagrees: ${number}: ${target} was skipped by ${rule}`,
    ]);
  });

  it("finds a failure that no fault of its round explains, although it is open", () => {
    const code = "RETRIES_EXHAUSTED";
    const ledger = ledgerWith(row("ce", "failed", { code, failureId: "f1" }));
    expect(check({ ledger, ce: [], failures: [{ ...failure, code }] })).toEqual([
      `disagrees: ${number}: ce failed with ${code}, which no fault of its round explains`,
    ]);
  });

  it.each(["open", "replaying"])(
    "finds a failure that is %s though its delivery is made",
    (status) => {
      expect(check({ failures: [{ ...failure, status }] })).toEqual([
        `disagrees: a failure CE_REJECTED of ce is ${status}, and its delivery (event e1) has not failed`,
      ]);
    },
  );

  it.each([
    [
      "an amount",
      { ce: [{ id: "ce-1", number, ...content, total: 125 }] },
      "ce holds total 125, and F&O 12.5",
    ],
    [
      "a line",
      { ce: [{ id: "ce-1", number, ...content, lines: ["1:1:10", "1:1:10"] }] },
      "ce holds lines 1:1:10, 1:1:10, and F&O 1:1:10, 2:5:2.5",
    ],
    [
      "a customer",
      { crm: [{ id: "CRM-1", number, ...content, account: "US-002" }] },
      "crm holds account US-002, and F&O US-001",
    ],
    [
      "a mail to somebody else",
      { mails: [{ operationId: "mail-1", number, to: "keiri@tailspin.example" }] },
      `it was mailed to keiri@tailspin.example, and is for ${mailTo}`,
    ],
  ])("finds %s that is not the document's", (_what, world, text) => {
    expect(check(world)).toEqual([`disagrees: ${number}: ${text}`]);
  });

  it.each([
    [
      "a reference to another record",
      { crm: [{ id: "CRM-9", number, ...content }] },
      "CRM-1 in crm",
    ],
    [
      "a document without all of its lines",
      { ce: [{ id: "ce-1", number, ...content, lines: ["1:1:10"] }] },
      "1 of its 2",
    ],
    ["a skip by no rule", { mails: [], ledger: ledgerWith(row("email", "skipped")) }, "by no rule"],
  ])("finds %s", (_what, world, text) => {
    const problems = check(world);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^disagrees: .*${text}`));
  });

  it("fails what it cannot judge: unsettled deliveries and documents that F&O does not know", () => {
    const ledger = ledgerWith(row("ce", "pending", { code: "CE_THROTTLED" }));
    expect(judge([document], { ...sound, ledger, ce: [] }).unchecked).toBe(1);
    expect(judge([document], { ...sound, finance: new Map() }).unchecked).toBe(1);
  });

  it("finds effects and failures that nobody can explain", () => {
    const mails = [...sound.mails, { operationId: "m", number: "CHAOS-999999", to: "" }];
    expect(check({ mails, failures: [{ ...failure, eventId: "" }] })).toEqual([
      "unexplained: email holds CHAOS-999999, which nobody posted",
      "unexplained: a failure CE_REJECTED of no event: too much",
      "disagrees: a failure CE_REJECTED of ce is open, and its delivery (event ) has not failed",
    ]);
  });

  it("counts two events of one document as one effect", () => {
    const second = sound.ledger.map((each) => ({ ...each, eventId: "e2" }));
    const resent = { ...document, eventIds: ["e1", "e2"] };
    const verdict = judge([resent], { ...sound, ledger: [...sound.ledger, ...second] });
    expect([verdict.effects, verdict.problems]).toEqual([{ ce: 1, crm: 1, email: 1 }, []]);
  });
});
