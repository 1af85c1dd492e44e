import { describe, expect, it } from "@jest/globals";
import { createFailureStore } from "../../../../functions/src/recovery/failure-store.ts";
import type { FailureStore } from "../../../../functions/src/recovery/failure-store.ts";
import { eachFailure, findFailures } from "../../../../functions/src/recovery/find-failures.ts";
import type { FailureFilter } from "../../../../functions/src/recovery/find-failures.ts";
import { groupFailures } from "../../../../functions/src/recovery/group-failures.ts";
import { ManualClock, startOfTime } from "../../../support/delivery-world.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";
import { failureOf } from "../../../support/stored-failure.ts";

async function storeWith(count: number): Promise<FailureStore> {
  const failures = createFailureStore(new MemoryTableStore(), new ManualClock());
  await failures.record(
    Array.from({ length: count }, (_each, index) =>
      failureOf(index + 1, {
        target: index % 3 === 0 ? "crm" : "ce",
        legalEntity: index % 2 === 0 ? "usmf" : "defl",
      }),
    ),
  );
  return failures;
}

async function allOf(store: FailureStore, filter: FailureFilter, limit: number): Promise<string[]> {
  const ids: string[] = [];
  let continuation: string | undefined;
  do {
    const page = await findFailures(store, filter, { limit, continuation });
    ids.push(...page.failures.map(({ failureId }) => failureId));
    continuation = page.continuation;
  } while (continuation !== undefined);
  return ids;
}

describe("the list of failures", () => {
  it("comes newest first over all targets, page by page, each once", async () => {
    const ids = await allOf(await storeWith(450), {}, 7);

    expect(ids).toEqual(
      Array.from({ length: 450 }, (_each, index) => failureOf(450 - index).failureId),
    );
  });

  it("leaves out what was told, or given back by a replay, after an instant", async () => {
    const clock = new ManualClock();
    const failures = createFailureStore(new MemoryTableStore(), clock);
    await failures.record([failureOf(1), failureOf(2)]);
    const [given] = (await findFailures(failures, {}, { limit: 1 })).failures;
    if (given === undefined) throw new Error("nothing is there");
    const standsSince = clock.now();
    clock.advance(1);
    await failures.move([{ failure: given, to: "replaying" }]);
    await failures.move([{ failure: { ...given, status: "replaying" }, to: "open" }]);
    // Its calls failed before: it was told later.
    await failures.record([failureOf(3, { lastAt: standsSince - 60_000 })]);

    expect(await allOf(failures, {}, 10)).toHaveLength(3);
    expect(await allOf(failures, { standsSince }, 10)).toEqual([failureOf(1).failureId]);
    const key = "CIV-000001";
    expect(await allOf(failures, { standsSince: standsSince - 1, key }, 10)).toEqual([]);
  });

  it("is narrowed by company, target and age", async () => {
    const store = await storeWith(300);
    const filter = {
      target: "crm",
      legalEntity: "USMF",
      olderThan: startOfTime + 200_000,
      newerThan: startOfTime + 100_000,
    };
    const found: number[] = [];
    for await (const page of eachFailure(store, filter)) {
      found.push(...page.map(({ lastAt }) => (lastAt - startOfTime) / 1_000));
    }

    // Every third is the CRM's, every second usmf's.
    expect(found).toEqual(
      [...Array(300).keys()]
        .map((index) => index + 1)
        .filter((n) => n >= 100 && n < 200 && n % 6 === 1)
        .reverse(),
    );
  });

  it("finds a document by its number, with and without the company", async () => {
    const store = await storeWith(30);
    const keys = ["CIV-000007", "usmf/CIV-000007", "USMF/civ-000007"];
    const found = await Promise.all(keys.map((key) => allOf(store, { key }, 10)));

    expect(found).toEqual(keys.map(() => [failureOf(7).failureId]));
    expect(await allOf(store, { key: "defl/CIV-000007" }, 10)).toEqual([]);
  });

  it("loses a failure from `open` when it is moved, and only the first mover moves it", async () => {
    const store = await storeWith(3);
    const { failures } = await findFailures(store, {}, { limit: 10 });
    const moves = failures.slice(0, 2).map((failure) => ({ failure, to: "replaying" as const }));

    expect(await store.move(moves)).toEqual([true, true]);
    expect(await store.move(moves.slice(1))).toEqual([false]);
    expect(await allOf(store, {}, 10)).toEqual([failureOf(1).failureId]);
    expect(await allOf(store, { status: "replaying" }, 10)).toHaveLength(2);
  });
});

describe("a list's continuation", () => {
  const inBase64 = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString("base64url");

  it.each([
    ["no JSON", "x"],
    ["no list", inBase64({})],
    ["another place's", inBase64([[".targets", "t|open|"]])],
    ["another status's", inBase64([["ce", "t|discarded|"]])],
    ["half a place", inBase64([["ce"]])],
  ])("is refused when it is %s", async (_what, continuation) => {
    const store = await storeWith(3);
    await expect(findFailures(store, {}, { limit: 10, continuation })).rejects.toMatchObject({
      code: "CONTINUATION_INVALID",
    });
  });
});

describe("failure groups", () => {
  it("count one cause together, biggest first, with the master records that are missing", async () => {
    const store = await storeWith(60);
    const waiting = (n: number, account: string) =>
      failureOf(n, {
        code: "CE_CUSTOMER_MISSING",
        reason: `missing: account/usmf/${account}`,
        missing: [`account/usmf/${account}`],
      });
    await store.record([waiting(101, "US-1"), waiting(102, "US-2")]);

    const { groups, targetsWithMore } = await groupFailures(store, {});
    expect(targetsWithMore).toEqual([]);
    expect(groups).toMatchObject([
      { target: "ce", code: "CE_ROW_CLOSED", count: 40, isAtLeast: false },
      { target: "crm", code: "CE_ROW_CLOSED", count: 20 },
      {
        code: "CE_CUSTOMER_MISSING",
        count: 2,
        missing: ["account/usmf/US-2", "account/usmf/US-1"],
      },
    ]);
  });

  it("are all there of a target, whatever another has, and say where there are more", async () => {
    const store = await storeWith(0);
    // What has a digit counts as a document's own, and says nothing of the cause.
    const letters = (n: number): string =>
      String(n).replace(/\d/g, (digit) => "abcdefghij".charAt(Number(digit)));
    await store.record([
      ...Array.from({ length: 1_200 }, (_each, n) =>
        failureOf(n + 1, { reason: `no ${letters(n)}` }),
      ),
      failureOf(2_001, { target: "email" }),
    ]);
    const { groups, targetsWithMore } = await groupFailures(store, {});
    expect(targetsWithMore).toEqual(["ce"]);
    expect(groups.filter(({ target }) => target === "email")).toMatchObject([
      { count: 1, isAtLeast: false },
    ]);
    // One page of a thousand: of its last group there may be more on the next.
    expect(groups.filter(({ isAtLeast }) => isAtLeast)).toHaveLength(1);
  });
});
