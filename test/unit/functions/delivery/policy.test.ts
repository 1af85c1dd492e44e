import { describe, expect, it } from "@jest/globals";
import { createDeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../../../functions/src/delivery/ledger-rows.ts";
import { isQuickRetry, onOutcome } from "../../../../functions/src/delivery/on-outcome.ts";
import {
  defaultSettings,
  onArrival,
  onHold,
  onPark,
  onSweep,
  toFailureId,
} from "../../../../functions/src/delivery/policy.ts";
import type { Decision } from "../../../../functions/src/delivery/policy.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";

const noon = Date.parse("2026-11-24T12:00:00Z");
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const retry: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason: "deadlock" };

function pending(changes: Partial<DeliveryRow> = {}): DeliveryRow {
  const id = { eventId: "e1", time: "2026-11-24T11:59:00.000Z", target: "ce" };
  const start = { state: "pending" as const, acceptedAt: noon, traceparent: "" };
  return { ...createDeliveryRow(id, start), ...changes };
}

/** Answer `outcome` at `now` to one call; random 0.5 is no jitter. */
function answer(row: DeliveryRow, outcome: Outcome, now = noon, calls = 1): Decision {
  const moment = { now, random: 0.5, settings: defaultSettings };
  return onOutcome(row, { outcome, how: "deliver", calls }, moment);
}

function delayOf(decision: Decision, now = noon): number {
  return decision.row.dueAt - now;
}

describe("a wake-up that arrives", () => {
  it.each(["delivered", "superseded", "skipped", "discarded", "published"] as const)(
    "is completed when the delivery is %s",
    (state) => {
      expect(onArrival(pending({ state }), 9, noon)).toEqual({ kind: "complete" });
    },
  );

  it("sends the dead letter again, and never calls, when the delivery failed", () => {
    expect(onArrival(pending({ state: "failed" }), 1, noon)).toEqual({ kind: "resendFailure" });
  });

  it("sends the row's own wake-up again when its hop is below the row's", () => {
    expect(onArrival(pending({ hop: 3 }), 2, noon)).toEqual({ kind: "resendWakeUp" });
  });

  it("calls the target when its hop is the row's", () => {
    expect(onArrival(pending({ hop: 3 }), 3, noon)).toEqual({ kind: "call", how: "deliver" });
  });

  it("is not acted on more than two seconds before its time, the first one apart", () => {
    const row = pending({ hop: 2, dueAt: noon + 2_001 });
    expect(onArrival(row, 2, noon)).toEqual({ kind: "early" });
    expect(onArrival(row, 2, noon + 1)).toEqual({ kind: "call", how: "deliver" });
    expect(onArrival(row, 1, noon)).toEqual({ kind: "resendWakeUp" });
    const first = pending({ hop: 1, dueAt: noon + 300_000 });
    expect(onArrival(first, 1, noon)).toEqual({ kind: "call", how: "deliver" });
  });

  it("only asks when the last outcome was unsure", () => {
    expect(onArrival(pending({ unsureSince: noon }), 1, noon)).toEqual({
      kind: "call",
      how: "confirm",
    });
  });
});

describe("retry", () => {
  it("is made twice at once with jitter before anything is written", () => {
    expect([1, 2, 3].map((calls) => isQuickRetry(retry, calls, 0))).toEqual([true, true, false]);
  });

  it("is not made at once when the target said when, or on a later hop", () => {
    expect(isQuickRetry({ ...retry, afterMs: 1_000 }, 1, 0)).toBe(false);
    expect(isQuickRetry(retry, 1, 3)).toBe(false);
  });

  it("waits 10 s, 30 s, 1, 5, 15 and 30 minutes and then an hour each time", () => {
    let row = pending();
    const delays: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      const decision = answer(row, retry, noon, round === 0 ? 3 : 1);
      delays.push(delayOf(decision) / 1_000);
      row = decision.row;
    }
    expect(delays).toEqual([10, 30, 60, 300, 900, 1_800, 3_600, 3_600]);
    expect(row.hop).toBe(9);
    expect(row.attempts).toBe(10);
  });

  it.each([
    [0, 8_000],
    [0.999_999, 12_000],
  ])("spreads by 20 percent: random %d gives %d ms", (random, expected) => {
    const moment = { now: noon, random, settings: defaultSettings };
    const decision = onOutcome(pending(), { outcome: retry, how: "deliver", calls: 3 }, moment);
    expect(delayOf(decision)).toBe(expected);
  });

  it("ends as RETRIES_EXHAUSTED after 24 hours of reachable time", () => {
    const row = pending({ attempts: 30, retryingSince: noon });
    expect(answer(row, retry, noon + dayMs - 1).then).toBe("later");
    const decision = answer(row, retry, noon + dayMs);
    expect(decision.then).toBe("fail");
    expect(decision.row).toMatchObject({ state: "failed", code: "RETRIES_EXHAUSTED" });
    expect(decision.row.failureId).toBe(toFailureId(row, 0));
  });

  it("makes its last try when the time is up, not an hour later", () => {
    const row = pending({ attempts: 30, retryingSince: noon });
    expect(delayOf(answer(row, retry, noon + dayMs - 10_000), noon + dayMs)).toBe(0);
  });

  it("does not count time in which the target was away", () => {
    const row = pending({ attempts: 30, retryingSince: noon, awayMs: 10 * hourMs });
    expect(answer(row, retry, noon + 33 * hourMs).then).toBe("later");
    expect(answer(row, retry, noon + 34 * hourMs).then).toBe("fail");
  });
});

describe("wait", () => {
  const wait: Outcome = { kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["account/US-003"] };

  it("costs no attempt and closes no gate", () => {
    const decision = answer(pending(), wait);
    expect(decision.row).toMatchObject({ attempts: 0, missing: ["account/US-003"], hop: 2 });
    expect(decision.gate).toEqual({ kind: "reached" });
  });

  it("looks again after 20 s, 2 and 15 minutes, then on the hour together", () => {
    const first = [0, 1, 2].map((waits) => delayOf(answer(pending({ waits }), wait)) / 1_000);
    expect(first).toEqual([20, 120, 900]);
    const later = answer(pending({ waits: 3 }), wait, noon + 13 * minuteMs);
    expect(new Date(later.row.dueAt).toISOString()).toBe("2026-11-24T13:00:30.000Z");
  });

  it("ends after five days as one failure that lists the missing keys", () => {
    const row = pending({ waits: 100, waitingSince: noon });
    expect(answer(row, wait, noon + 5 * dayMs - 1).then).toBe("later");
    const decision = answer(row, wait, noon + 5 * dayMs);
    expect(decision.row).toMatchObject({
      state: "failed",
      code: "CE_CUSTOMER_MISSING",
      reason: "missing: account/US-003",
    });
  });
});

describe("an outage", () => {
  const away: Outcome = { ...retry, code: "CE_UNREACHABLE", unreachable: true };

  it("costs no attempt, rises the hop and is told to the gate", () => {
    const decision = answer(pending({ attempts: 2 }), away, noon, 3);
    expect(decision.row).toMatchObject({ attempts: 2, hop: 2, awaySince: noon });
    expect(decision.gate).toEqual({ kind: "unreachable", probeAt: null });
  });

  it("ends as TARGET_DOWN after seven days without an answer", () => {
    const row = pending({ awaySince: noon });
    expect(answer(row, away, noon + 7 * dayMs - 1).then).toBe("later");
    expect(answer(row, away, noon + 7 * dayMs).row.code).toBe("TARGET_DOWN");
  });

  it("is over with the first answer, and its time counts against no limit", () => {
    const row = pending({ awaySince: noon, retryingSince: noon - hourMs, attempts: 5 });
    const decision = answer(row, retry, noon + 3 * dayMs);
    expect(decision.row).toMatchObject({ awaySince: null, awayMs: 3 * dayMs, state: "pending" });
  });
});

describe("throttling", () => {
  it("sets the gate for everybody and costs neither attempt nor time", () => {
    const decision = answer(pending(), { ...retry, code: "CE_THROTTLED", afterMs: 40_000 });
    expect(decision.gate).toEqual({ kind: "throttled", until: noon + 40_000 });
    expect(decision.row).toMatchObject({ attempts: 0, awaySince: noon });
    expect(delayOf(decision)).toBe(45_000);
  });

  it.each([
    [Number.NaN, 30_000],
    [-5_000, 0],
    [30 * dayMs, hourMs],
    [Number.POSITIVE_INFINITY, hourMs],
  ])("of %d ms is believed as %d ms", (afterMs, expected) => {
    const throttled = answer(pending(), { ...retry, afterMs });
    expect(throttled.gate).toEqual({ kind: "throttled", until: noon + expected });
    const away = answer(pending(), { ...retry, afterMs, unreachable: true });
    expect(away.gate).toEqual({ kind: "unreachable", probeAt: noon + expected });
  });
});

describe("an outcome for which the target was not called", () => {
  it.each([
    { kind: "skipped", rule: "NO_RECIPIENT" },
    { kind: "reject", code: "MAPPING_FAILED", reason: "no currency" },
    { kind: "wait", code: "CE_CUSTOMER_MISSING", missing: ["account/US-003"] },
    { kind: "retry", code: "TARGET_THREW", reason: "TypeError" },
    { kind: "unsure", code: "TARGET_THREW" },
  ] as const)("tells the gate nothing: $kind", (outcome) => {
    const local = answer(pending(), { ...outcome, asked: false });
    const told = answer(pending(), outcome);
    expect([local.gate, told.gate]).toEqual([null, { kind: "reached" }]);
    expect(local.row).toEqual(told.row);
  });
});

describe("waiting for budget", () => {
  it("costs neither attempts nor time", () => {
    const moment = { now: noon, random: 0, settings: defaultSettings };
    const slotAt = noon + 20 * hourMs;
    const { row } = onHold(pending({ retryingSince: noon }), slotAt, slotAt, moment);
    const back = answer(row, retry, noon + 20 * hourMs);
    expect(back.row).toMatchObject({ attempts: 1, awayMs: 20 * hourMs, state: "pending" });
  });

  it("without a place of its own is no part of an outage's seven days either", () => {
    const at = (days: number) => ({
      now: noon + days * dayMs,
      random: 0,
      settings: defaultSettings,
    });
    const first = onHold(pending(), noon + 7 * dayMs, null, at(0));
    const second = onHold(first.row, noon + 8 * dayMs, null, at(7));
    const parked = onPark(second.row, noon + 8 * dayMs, at(8));
    expect(parked.then).toBe("later");
    expect(parked.row).toMatchObject({ awayMs: 7 * dayMs, awaySince: noon + 7 * dayMs });
  });

  it("is no part of an outage's seven days", () => {
    const moment = { now: noon + 8 * dayMs, random: 0, settings: defaultSettings };
    const row = pending({ awaySince: noon, slotAt: noon + 8 * dayMs });
    const decision = onPark(row, noon + 8 * dayMs, moment);
    expect(decision.then).toBe("later");
    expect(decision.row).toMatchObject({ awaySince: noon + 8 * dayMs, awayMs: 8 * dayMs });
  });
});

describe("unsure", () => {
  const unsure: Outcome = {
    kind: "unsure",
    code: "MAIL_ACCEPTED",
    memo: "op-1",
    checkAfterMs: 700,
  };

  it("tells people what the target says of it, or that it may have happened", () => {
    expect(answer(pending(), unsure).row.reason).toBe("it may have happened");
    const told: Outcome = { ...unsure, reason: "it was taken" };
    expect(answer(pending(), told).row.reason).toBe("it was taken");
  });

  it("keeps the memo and asks when the target said", () => {
    const decision = answer(pending(), unsure);
    expect(decision.row).toMatchObject({ memo: "op-1", unsureSince: noon, attempts: 1 });
    expect(delayOf(decision)).toBe(700);
  });

  it("ends as OUTCOME_UNKNOWN when nothing can tell for an hour", () => {
    const row = pending({ unsureSince: noon, checks: 9 });
    expect(answer(row, unsure, noon + hourMs - 1).then).toBe("later");
    expect(answer(row, unsure, noon + hourMs).row.code).toBe("OUTCOME_UNKNOWN");
  });

  it("becomes an ordinary retry when the question finds that nothing happened", () => {
    const moment = { now: noon, random: 0.5, settings: defaultSettings };
    const row = pending({ unsureSince: noon, checks: 2, attempts: 1 });
    const { row: next } = onOutcome(row, { outcome: retry, how: "confirm", calls: 1 }, moment);
    expect(onArrival(next, next.hop, next.dueAt)).toEqual({ kind: "call", how: "deliver" });
  });

  it("stays unsure when the question itself is not answered", () => {
    const moment = { now: noon, random: 0.5, settings: defaultSettings };
    const away: Outcome = { ...retry, unreachable: true };
    const row = pending({ unsureSince: noon });
    const { row: next } = onOutcome(row, { outcome: away, how: "confirm", calls: 1 }, moment);
    expect(onArrival(next, next.hop, next.dueAt)).toEqual({ kind: "call", how: "confirm" });
  });
});

describe("what settles", () => {
  it.each([
    [{ kind: "delivered", reference: "r1", url: "https://ce/r1" }, "delivered"],
    [{ kind: "superseded", reference: "r2" }, "superseded"],
    [{ kind: "skipped", rule: "NO_RECIPIENT" }, "skipped"],
  ] as const)("%j leaves no wake-up", (outcome, state) => {
    const decision = answer(pending(), outcome);
    expect(decision).toMatchObject({ then: "settle", row: { state, hop: 1, settledAt: noon } });
  });

  it("is a reject, with its own code, without another try", () => {
    const decision = answer(pending(), { kind: "reject", code: "CE_REJECTED", reason: "too long" });
    expect(decision).toMatchObject({ then: "fail", row: { code: "CE_REJECTED", attempts: 1 } });
  });

  it("keeps what a dry run would have sent", () => {
    const outcome: Outcome = { kind: "skipped", rule: "DRY_RUN", wouldSend: { a: 1 } };
    expect(answer(pending(), outcome).row.wouldSend).toBe('{"a":1}');
  });
});

describe("the sweep", () => {
  const moment = (now: number) => ({ now, random: 0, settings: defaultSettings });

  it("leaves a delivery alone until it is 15 minutes past due", () => {
    expect(onSweep(pending(), moment(noon + 15 * minuteMs - 1))).toEqual({ kind: "leave" });
  });

  it("sends three new wake-ups and then calls it STUCK", () => {
    let row = pending();
    const seen: (string | null)[] = [];
    for (let round = 1; round <= 4; round += 1) {
      const swept = onSweep(row, moment(row.dueAt + 15 * minuteMs));
      if (swept.kind === "act") row = swept.decision.row;
      seen.push(`${row.state} ${row.hop} ${row.code ?? ""}`);
    }
    expect(seen).toEqual(["pending 2 ", "pending 3 ", "pending 4 ", "failed 4 STUCK"]);
  });

  it("counts from the beginning after an answer", () => {
    expect(answer(pending({ sweeps: 3 }), retry).row.sweeps).toBe(0);
  });
});
