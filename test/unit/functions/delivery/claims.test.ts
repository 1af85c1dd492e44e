import { describe, expect, it } from "@jest/globals";
import { createClaims } from "../../../../functions/src/delivery/claims.ts";
import type { ClaimId, Claims, HeldClaim } from "../../../../functions/src/delivery/claims.ts";
import { createCountingStore } from "../../../support/counting-table-store.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";

const noon = Date.parse("2026-11-24T12:00:00Z");
const minuteMs = 60_000;

function idOf(eventId: string, version: bigint | null = null): ClaimId {
  return { target: "email", effectKey: "document", eventId, version };
}

async function takenBy(claims: Claims, id: ClaimId, now = noon): Promise<HeldClaim> {
  const claim = await claims.take(id, now);
  if (claim.kind !== "taken") throw new Error(`the claim is ${claim.kind}`);
  return claim.held;
}

const lapsed = noon + 17 * minuteMs;
const free = { state: "free", hasFailed: false } as const;

describe("a claim", () => {
  it("is nobody else's for 16 minutes: ten of an invocation, five of differing clocks", async () => {
    const claims = createClaims(new MemoryTableStore());
    await takenBy(claims, idOf("a"));
    const until = noon + 16 * minuteMs;
    expect(await claims.take(idOf("b"), until - 1)).toEqual({ kind: "busy", until });
    expect((await claims.take(idOf("b"), until)).kind).toBe("ask");
  });

  it("is not freed by an answer that comes after somebody else took it", async () => {
    const claims = createClaims(new MemoryTableStore());
    const late = await takenBy(claims, idOf("a"));
    const asked = await claims.take(idOf("b"), lapsed);
    if (asked.kind !== "ask") throw new Error("the lease has not lapsed");
    await claims.settle(idOf("b"), asked.held, free, noon);
    await takenBy(claims, idOf("b"), lapsed);
    await claims.settle(idOf("a"), late, free, noon);
    expect((await claims.take(idOf("c"), lapsed)).kind).toBe("busy");
  });

  it("whose effect is made is done, however late and whoever holds it", async () => {
    const claims = createClaims(new MemoryTableStore());
    const late = await takenBy(claims, idOf("a"));
    const asked = await claims.take(idOf("b"), lapsed);
    if (asked.kind !== "ask") throw new Error("the lease has not lapsed");
    await claims.settle(idOf("b"), asked.held, free, noon);
    const held = await takenBy(claims, idOf("b"), lapsed);
    await claims.settle(idOf("a"), late, { state: "done", reference: "m1" }, noon);
    await claims.settle(idOf("b"), held, free, noon);
    const claim = await claims.take(idOf("c"), lapsed);
    expect(claim).toEqual({ kind: "done", eventId: "a", reference: "m1" });
  });

  it("of an unsure outcome keeps whose it is, its operation and its memo for whoever asks", async () => {
    const claims = createClaims(new MemoryTableStore());
    const held = await takenBy(claims, idOf("a"));
    await claims.settle(
      idOf("a"),
      held,
      { state: "unsure", memo: "accepted:0", askFrom: noon },
      noon,
    );
    const claim = await claims.take(idOf("b"), noon);
    expect(claim).toMatchObject({
      kind: "ask",
      held: { eventId: "a", generation: 0, memo: "accepted:0", isUnsure: true },
    });
  });

  it("of an unsure outcome is asked about without a look for a minute by whoever wrote it", async () => {
    const counting = createCountingStore(new MemoryTableStore());
    const claims = createClaims(counting);
    await claims.settle(
      idOf("a"),
      await takenBy(claims, idOf("a")),
      { state: "unsure", memo: "m", askFrom: noon },
      noon,
    );
    counting.forget();

    const claim = await claims.inspect(idOf("a"), noon + minuteMs);
    expect(claim).toMatchObject({ kind: "ask", held: { eventId: "a", memo: "m" } });
    expect(counting.total()).toBe(0);

    await claims.inspect(idOf("a"), noon + minuteMs + 1);
    expect(counting.total()).toBe(1);
  });

  it("of an effect that may still be under way is busy for all until it can be asked about", async () => {
    const memory = new MemoryTableStore();
    const [mine, theirs] = [createClaims(memory), createClaims(memory)];
    const askFrom = noon + 2 * minuteMs;
    const unsure = { state: "unsure", memo: null, askFrom } as const;
    await mine.settle(idOf("a"), await takenBy(mine, idOf("a")), unsure, noon);

    const early = askFrom - 2_001;
    const busy = { kind: "busy", until: askFrom };
    expect(await theirs.take(idOf("b"), early)).toEqual(busy);
    expect(await theirs.inspect(idOf("b"), early)).toEqual(busy);
    // Remembered by whoever wrote it.
    expect(await mine.inspect(idOf("a"), noon)).toEqual(busy);
    // By so much may a wake-up be early.
    expect((await theirs.take(idOf("b"), askFrom - 2_000)).kind).toBe("ask");
  });

  it("that another process has gone on with stands, whatever this one remembers", async () => {
    const memory = new MemoryTableStore();
    const [mine, theirs] = [createClaims(memory), createClaims(memory)];
    const unsure = { state: "unsure", memo: "m", askFrom: noon } as const;
    await mine.settle(idOf("a"), await takenBy(mine, idOf("a")), unsure, noon);
    const asked = await theirs.inspect(idOf("b"), noon);
    if (asked.kind !== "ask") throw new Error("the claim is not asked about");
    await theirs.settle(idOf("b"), asked.held, { state: "free", hasFailed: true }, noon);
    await takenBy(theirs, idOf("b"));

    const late = await mine.inspect(idOf("a"), noon);
    if (late.kind !== "ask") throw new Error("the claim is not remembered");
    await mine.settle(idOf("a"), late.held, free, noon);

    expect((await theirs.take(idOf("c"), noon)).kind).toBe("busy");
  });

  it("is new only where none has ever been", async () => {
    const claims = createClaims(new MemoryTableStore());
    const held = await claims.takeNew(idOf("a"), noon);
    if (held === undefined) throw new Error("the claim is not new");
    await claims.settle(idOf("a"), held, free, noon);
    expect(await claims.takeNew(idOf("b"), noon)).toBeUndefined();
  });

  it("counts its operations: a new one only after one that failed for good", async () => {
    const claims = createClaims(new MemoryTableStore());
    const generations: number[] = [];
    for (const hasFailed of [false, true, false, true, true]) {
      const held = await takenBy(claims, idOf("a"));
      generations.push(held.generation);
      await claims.settle(idOf("a"), held, { state: "free", hasFailed }, noon);
    }
    expect(generations).toEqual([0, 0, 1, 1, 2]);
  });
});

describe("a claim on a version of a document", () => {
  const done = { state: "done", reference: "row-1" } as const;

  it("is superseded once a newer one is written", async () => {
    const claims = createClaims(new MemoryTableStore());
    // Two numbers that floating point cannot tell apart.
    const newer = idOf("b", 9_007_199_254_740_993n);
    await claims.settle(newer, await takenBy(claims, newer), done, noon);
    const claim = await claims.take(idOf("a", 9_007_199_254_740_992n), noon);
    expect(claim).toEqual({ kind: "superseded", reference: "row-1" });
  });

  it("is taken for the same version again, and for a newer one", async () => {
    const claims = createClaims(new MemoryTableStore());
    for (const version of [5n, 5n, 6n]) {
      const id = idOf(`v${version}`, version);
      await claims.settle(id, await takenBy(claims, id), done, noon);
    }
    expect((await claims.take(idOf("old", 5n), noon)).kind).toBe("superseded");
  });

  it("keeps what is written while a newer one is under way or has failed", async () => {
    const claims = createClaims(new MemoryTableStore());
    const [second, third] = [idOf("b", 2n), idOf("c", 3n)];
    await claims.settle(second, await takenBy(claims, second), done, noon);
    const held = await takenBy(claims, third);
    expect((await claims.take(idOf("a", 1n), noon)).kind).toBe("superseded");
    await claims.settle(third, held, { state: "free", hasFailed: true }, noon);
    expect((await claims.take(idOf("a", 1n), noon)).kind).toBe("superseded");
    expect((await claims.take(second, noon)).kind).toBe("taken");
  });

  it("is taken over when its lease has lapsed, and a late answer then changes nothing", async () => {
    const claims = createClaims(new MemoryTableStore());
    const [first, second] = [idOf("a", 1n), idOf("b", 2n)];
    const late = await takenBy(claims, first);
    const held = await takenBy(claims, second, lapsed);
    await claims.settle(first, late, done, noon);
    await claims.settle(second, held, { ...done, reference: "row-2" }, noon);
    const claim = await claims.take(first, lapsed);
    expect(claim).toEqual({ kind: "superseded", reference: "row-2" });
  });
});
