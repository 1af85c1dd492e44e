import { describe, expect, it } from "@jest/globals";
import { toJourneyKeys } from "../../../../functions/src/delivery/ledger-keys.ts";
import { findJourneys } from "../../../../functions/src/operator/reads/find-journeys.ts";
import type { JourneySearch } from "../../../../functions/src/operator/reads/find-journeys.ts";
import type { ReadDependencies } from "../../../../functions/src/operator/reads/read-dependencies.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { readsOver } from "../../../support/reads-world.ts";

const hourMs = 3_600_000;
const november = Date.parse("2026-11-01T00:00:00.000Z");

interface Plan {
  readonly count: number;
  readonly start?: number;
  readonly everyMs: number;
  readonly legalEntity?: string;
  readonly numberOf?: (n: number) => string;
}

function numbered(n: number): string {
  return `CIV-${String(n).padStart(6, "0")}`;
}

/** Rows as intake leaves them for finding: document `n` is posted `n` times `everyMs` after the start. */
async function plant(world: DeliveryWorld, ...plans: readonly Plan[]): Promise<ReadDependencies> {
  for (const plan of plans) {
    const { count, everyMs, legalEntity = "usmf", numberOf = numbered, start = november } = plan;
    for (let n = 1; n <= count; n += 1) {
      const time = new Date(start + n * everyMs).toISOString();
      const eventId = `${legalEntity}-${start.toString(36)}-${String(n).padStart(6, "0")}`;
      const about = { eventId, time, number: numberOf(n), customerAccount: "C-1001" };
      for (const { table, ...keys } of toJourneyKeys({ ...about, legalEntity })) {
        const row = { ...keys, columns: { ...about, flow: "invoice-posted" } };
        await world.memory.write(table, { kind: "upsert", row });
      }
    }
  }
  return readsOver(world);
}

/** Page after page until there is no older one; each page's times. */
async function pages(
  on: ReadDependencies,
  search: Pick<JourneySearch, "by" | "text" | "limit">,
): Promise<readonly (readonly string[])[]> {
  const found: string[][] = [];
  let continuation: string | undefined;
  do {
    const more = continuation === undefined ? {} : { continuation };
    const answer = await findJourneys(on, { ...search, ...more });
    found.push(answer.journeys.map(({ eventId, time }) => `${time} ${eventId}`));
    continuation = answer.continuation;
  } while (continuation !== undefined);
  return found.filter((page) => page.length > 0);
}

const byCustomer = { by: "customer", text: "C-1001" } as const;

describe("finding a customer's documents", () => {
  it("finds a customer's newest document among three hundred of a month", async () => {
    const on = await plant(new DeliveryWorld(), { count: 300, everyMs: hourMs });
    const { journeys } = await findJourneys(on, { ...byCustomer, limit: 50 });
    expect(journeys.map(({ number }) => number)).toEqual(
      Array.from({ length: 50 }, (_none, index) => numbered(300 - index)),
    );
  });

  it.each([
    { what: "in one page of storage", plan: { count: 300, everyMs: hourMs } },
    { what: "spread over the month", plan: { count: 1_200, everyMs: 1_600_000 } },
    { what: "posted in one hour", plan: { count: 1_200, everyMs: 2_400 } },
    { what: "posted at once", plan: { count: 1_300, everyMs: 0 } },
  ])("goes on to older ones, each once ($what)", async ({ plan }) => {
    const before = { count: 30, everyMs: hourMs, start: november - 700 * hourMs };
    const on = await plant(new DeliveryWorld(), plan, before);
    const found = await pages(on, { ...byCustomer, limit: 200 });
    const all = found.flat();
    expect(all).toHaveLength(plan.count + 30);
    expect(new Set(all).size).toBe(plan.count + 30);
    expect(all).toEqual([...all].sort().reverse());
    expect(found.slice(0, 5).map(({ length }) => length)).toContain(200);
  });

  it("goes on over companies and months without loss or repetition", async () => {
    const on = await plant(
      new DeliveryWorld(),
      { count: 70, everyMs: 5 * hourMs },
      { count: 90, everyMs: 4 * hourMs, legalEntity: "demf" },
      { count: 40, everyMs: hourMs, start: Date.parse("2026-08-30T00:00:00.000Z") },
    );
    const all = (await pages(on, { ...byCustomer, limit: 7 })).flat();
    expect(new Set(all).size).toBe(200);
    expect(all).toEqual([...all].sort().reverse());
  });

  it("reads few pages of a customer with thousands a month", async () => {
    const world = new DeliveryWorld();
    const on = await plant(world, { count: 5_000, everyMs: 400_000 });
    const store = createCountingStore(world.memory);
    await findJourneys({ ...on, store }, { ...byCustomer, legalEntity: "usmf", limit: 50 });
    expect(store.requests.get("journeys202611")).toBeLessThan(8);
  });
});

describe("finding by the beginning of a number", () => {
  it("shows the newest first, whatever the order of the numbers, and goes on to older ones", async () => {
    const on = await plant(new DeliveryWorld(), {
      count: 300,
      everyMs: hourMs,
      numberOf: (n) => numbered(1_000 - n),
    });
    const search = { by: "number", text: "CIV-" } as const;
    const { journeys } = await findJourneys(on, { ...search, limit: 50 });
    expect(journeys[0]?.number).toBe("CIV-000700");
    const all = (await pages(on, { ...search, limit: 50 })).flat();
    expect(new Set(all).size).toBe(300);
    expect(all).toEqual([...all].sort().reverse());
  });

  it("says when more begin like it than are looked at", async () => {
    const world = new DeliveryWorld();
    for (let n = 0; n <= 20_000; n += 1) {
      const time = new Date(november + n).toISOString();
      const columns = { eventId: `e-${n}`, time, number: numbered(n) };
      const row = { partitionKey: "usmf", rowKey: `n|${numbered(n)}|e-${n}`, columns };
      await world.memory.write("journeys202611", { kind: "upsert", row });
    }
    const on = await readsOver(world);
    const search = { by: "number", legalEntity: "usmf", limit: 1 } as const;
    const short = await findJourneys(on, { ...search, text: "CIV" });
    expect(short).toMatchObject({ journeys: [{ number: "CIV-019999" }], isCut: true });
    const longer = await findJourneys(on, { ...search, text: "CIV-02" });
    expect(longer.journeys).toMatchObject([{ number: "CIV-020000" }]);
    expect(longer.isCut).toBeUndefined();
  });
});
