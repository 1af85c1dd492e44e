import { describe, expect, it } from "@jest/globals";
import { faultAtNth, faultsAtRandom, FaultyPorts, Killed } from "../../support/faulty-ports.ts";
import type { FaultPlan } from "../../support/faulty-ports.ts";

interface Shelf {
  put(name: string): Promise<void>;
  count(): Promise<number>;
}

function createScene(plan: FaultPlan) {
  const things: string[] = [];
  const faults = new FaultyPorts();
  const shelf = faults.port<Shelf>("shelf", {
    put: (name) => Promise.resolve(void things.push(name)),
    count: () => Promise.resolve(things.length),
  });
  faults.plan = plan;
  return { faults, shelf, things };
}

async function failuresOf(plan: FaultPlan): Promise<readonly boolean[]> {
  const { shelf } = createScene(plan);
  const failed: boolean[] = [];
  for (let index = 0; index < 40; index += 1) {
    failed.push(await shelf.count().then(Number.isNaN, () => true));
  }
  return failed;
}

describe("a port that is told to fail", () => {
  it("fails the named call alone, before its effect", async () => {
    const fault = { how: "fail", when: "before" } as const;
    const { shelf, things } = createScene(faultAtNth("shelf", "put", 2, fault));
    await shelf.put("a");
    await shelf.count();
    await expect(shelf.put("b")).rejects.toThrow("shelf.put was told to fail");
    await shelf.put("c");
    expect(things).toEqual(["a", "c"]);
  });

  it("keeps the effect of a call that it kills after it, and answers nothing any more", async () => {
    const fault = { how: "kill", when: "after" } as const;
    const { faults, shelf, things } = createScene(faultAtNth("shelf", "put", 1, fault));
    await expect(shelf.put("a")).rejects.toBeInstanceOf(Killed);
    await expect(shelf.count()).rejects.toBeInstanceOf(Killed);
    expect(things).toEqual(["a"]);
    faults.revive();
    await expect(shelf.count()).resolves.toBe(1);
  });

  it("fails at a rate, at the same calls for the same seed", async () => {
    const plan = (seed: number): FaultPlan =>
      faultsAtRandom({ seed, rate: 0.5, faults: [{ how: "fail", when: "before" }] });
    const first = await failuresOf(plan(7));
    expect(first.filter((each) => each).length).toBeGreaterThan(5);
    expect(first.filter((each) => !each).length).toBeGreaterThan(5);
    await expect(failuresOf(plan(7))).resolves.toEqual(first);
    await expect(failuresOf(plan(8))).resolves.not.toEqual(first);
  });
});
