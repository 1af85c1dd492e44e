import { describe, expect, it } from "@jest/globals";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { compileMapping } from "../../../../functions/src/flows/compile-mapping.ts";
import { HttpError } from "../../../../functions/src/platform/http.ts";
import type { Http, HttpRequest } from "../../../../functions/src/platform/http.ts";
import { createDataverseTarget } from "../../../../functions/src/targets/dataverse/create-dataverse-target.ts";
import {
  ceMapping,
  createCeTargetFixture,
  invoiceEvent,
  invoiceLines,
} from "../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../support/ce-target-fixture.ts";
import { dataverseUrl } from "../../../support/dataverse-fixture.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { TimedClock } from "../../../support/timed-clock.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const timeoutMs = 90_000;

interface SlowCe {
  readonly world: DeliveryWorld;
  readonly clock: TimedClock;
  readonly fixture: CeTargetFixture;
  /** What is due, at most a hundred at once, as one invocation of four minutes. */
  invoke(): Promise<void>;
}

/** The engine and the CE target on a CE that takes this long for a request; null: it never answers. */
async function slowCe(
  takesMs: (request: HttpRequest) => number | null,
  rowsPerRequest = 300,
): Promise<SlowCe> {
  const clock = new TimedClock();
  const world = new DeliveryWorld({ clock });
  const fixture = await createCeTargetFixture();
  const mapping = compileMapping(ceMapping);
  const http: Http = async (request) => {
    const { signal } = request;
    if (signal?.aborted === true) throw new HttpError("ABORTED", request, false);
    const ms = takesMs(request);
    const isInTime = await clock.pass(ms ?? timeoutMs, signal);
    if (!isInTime) throw new HttpError("ABORTED", request, true);
    if (ms === null) throw new HttpError("TIMEOUT", request, true);
    return fixture.http(request);
  };
  const target = createDataverseTarget({
    name: "ce",
    http,
    getToken: () => Promise.resolve("causeway"),
    baseUrl: dataverseUrl,
    clock,
    mappingOf: () => mapping,
    policyOf: () => ({ mode: "live", ownership: "all" }),
    rowsPerRequest,
  });
  world.lane = { ...world.lane, target };
  const invoke = async (): Promise<void> => {
    const line = world.broker.waiting.get(world.entity) ?? [];
    clock.to(Math.min(...line.map(({ enqueueAt = 0 }) => enqueueAt)));
    const due = line.filter(({ enqueueAt = 0 }) => enqueueAt <= clock.now());
    await world.handle(due.slice(0, 100));
  };
  return { world, clock, fixture, invoke };
}

function isWriteOf(number: string): (request: HttpRequest) => boolean {
  return ({ method, body = "" }) => method === "POST" && body.includes(`"${number}"`);
}

async function statesOf(
  { world }: SlowCe,
  events: readonly CanonicalEvent[],
): Promise<readonly string[]> {
  return Promise.all(events.map(async (event) => (await world.row(event)).state));
}

describe("an invoice that CE never answers", () => {
  it.each([0, 37, 99])(
    "ends as RETRIES_EXHAUSTED, and 99 others of its batch are delivered within two invocations (it is number %d)",
    async (place) => {
      const isPoison = isWriteOf(`CIV-${place}`);
      const ce = await slowCe((request) => (isPoison(request) ? null : 1_000));
      const events = Array.from({ length: 100 }, (_none, index) => invoiceEvent(index));
      const poison = invoiceEvent(place);
      const others = events.filter(({ id }) => id !== poison.id);
      await ce.world.accept(...events);

      await ce.invoke();
      await ce.invoke();
      expect(new Set(await statesOf(ce, others))).toEqual(new Set(["delivered"]));
      expect((await ce.world.row(poison)).attempts).toBeGreaterThanOrEqual(1);

      while ((await ce.world.row(poison)).state === "pending") await ce.invoke();
      expect(await ce.world.row(poison)).toMatchObject({
        state: "failed",
        code: "RETRIES_EXHAUSTED",
      });
      expect(ce.clock.now()).toBeLessThan(startOfTime + 25 * hourMs);
    },
  );

  it("costs those that come after it nothing", async () => {
    const isPoison = isWriteOf("CIV-0");
    const ce = await slowCe((request) => (isPoison(request) ? null : 1_000));
    const poison = invoiceEvent(0);
    await ce.world.accept(poison);
    await ce.invoke();
    const later = Array.from({ length: 99 }, (_none, index) => invoiceEvent(index + 1));
    await ce.world.accept(...later);
    ce.clock.to((await ce.world.row(poison)).dueAt);
    const begunAt = ce.clock.now();
    const messages = ce.world.broker.waiting.get(ce.world.entity) ?? [];
    expect(messages).toHaveLength(100);

    await ce.world.handle([...messages]);

    expect(new Set(await statesOf(ce, later))).toEqual(new Set(["delivered"]));
    expect((await ce.world.row(poison)).attempts).toBe(2);
    expect(ce.clock.now() - begunAt).toBeLessThan(2 * minuteMs);
  });

  it("is told by an attempt even when the invocation's time cuts it off", async () => {
    const isPoison = (request: HttpRequest): boolean =>
      ["CIV-0", "CIV-1", "CIV-2"].some((number) => isWriteOf(number)(request));
    const ce = await slowCe((request) => (isPoison(request) ? null : 1_000));
    const events = [0, 1, 2].map((index) => invoiceEvent(index));
    await ce.world.accept(...events);

    await ce.invoke();

    const rows = await Promise.all(events.map((event) => ce.world.row(event)));
    expect(rows.map(({ attempts, code }) => [attempts, code])).toEqual(
      events.map(() => [1, "CE_TIMEOUT"]),
    );
  });
});

describe("an invoice whose pages take ten minutes", () => {
  it("is whole after three invocations", async () => {
    const ce = await slowCe(({ method }) => (method === "POST" ? 45_000 : 1_000), 40);
    const event = invoiceEvent(1, { lines: invoiceLines(520) });
    await ce.world.accept(event);
    const written: number[] = [];
    const marks: unknown[] = [];
    for (let round = 0; round < 3; round += 1) {
      await ce.invoke();
      written.push(ce.fixture.rows("invoicedetail").length);
      marks.push(ce.fixture.rows("invoice")[0]?.["cwy_syncedon"] ?? null);
    }

    expect(written.at(-1)).toBe(520);
    expect(marks.map((mark) => mark !== null)).toEqual([false, false, true]);
    expect(await ce.world.row(event)).toMatchObject({ state: "delivered", attempts: 3 });
    // No line was written twice: 520 lines and the header's first and last word take 14 requests.
    const posts = ce.fixture.requests.filter(({ method }) => method === "POST");
    expect(posts.length).toBeLessThanOrEqual(15);
  });

  it("has its changed lines when it was written before and is written again", async () => {
    const ce = await slowCe(({ method }) => (method === "POST" ? 45_000 : 1_000), 40);
    const event = invoiceEvent(1, { lines: invoiceLines(280) });
    await ce.world.accept(event);
    while ((await ce.world.row(event)).state === "pending") await ce.invoke();
    const lines = invoiceLines(280).map((line) => ({ ...line, tax: "84.00" }));
    const changed = {
      ...invoiceEvent(1, { lines, tax: "84.00" }),
      id: "22222222-0000-4000-8000-000000000001",
    };
    await ce.world.accept(changed);

    let rounds = 0;
    for (; (await ce.world.row(changed)).state === "pending"; rounds += 1) await ce.invoke();

    expect(rounds).toBeLessThanOrEqual(2);
    const taxes = ce.fixture.rows("invoicedetail").map((row) => row["cwy_tax"]);
    expect(new Set(taxes)).toEqual(new Set([84]));
    expect(ce.fixture.rows("invoice")).toMatchObject([{ cwy_tax: 84 }]);
  });
});
