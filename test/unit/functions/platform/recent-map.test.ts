import { describe, expect, it } from "@jest/globals";
import { RecentMap } from "../../../../functions/src/platform/recent-map.ts";

function createMap(most = 4, keepMs = 1_000) {
  const clock = { at: 0, now: () => clock.at };
  return { clock, map: new RecentMap<number>(clock, most, keepMs) };
}

describe("a map of what is young", () => {
  it("gives the newest value of a key until its time is over", () => {
    const { clock, map } = createMap();
    map.set("a", 1);
    clock.at = 600;
    map.set("a", 2);
    clock.at = 1_600;
    expect(map.get("a")).toBe(2);
    clock.at = 1_601;
    expect(map.get("a")).toBeUndefined();
  });

  it("keeps at least half of what it may hold, and never more than all", () => {
    const { map } = createMap(4);
    const keys = Array.from({ length: 9 }, (_each, index) => `k${index}`);
    for (const [index, key] of keys.entries()) map.set(key, index);
    const kept = keys.filter((key) => map.get(key) !== undefined);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    expect(kept.length).toBeLessThanOrEqual(4);
    expect(kept).toEqual(keys.slice(-kept.length));
  });

  it("forgets a key wherever it is", () => {
    const { map } = createMap(4);
    for (const key of ["a", "b", "c"]) map.set(key, 1);
    map.delete("a");
    map.delete("c");
    expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([undefined, 1, undefined]);
  });
});
