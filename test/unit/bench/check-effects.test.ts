import { describe, expect, it } from "@jest/globals";
import { checkEffects } from "../../../bench/check-effects.ts";

const posted = ["usmf/CIV-1", "usmf/CIV-2", "demf/CIV-1"].map((key) => ({ key, sentAt: 1_000 }));

describe("the check of a target's effects", () => {
  it("finds nothing wrong when each document has one", () => {
    const effects = posted.map(({ key }, index) => ({ key, at: 1_100 + 100 * index }));

    expect(checkEffects(posted, effects)).toEqual({
      lost: 0,
      doubled: 0,
      unknown: 0,
      latencyMs: { p50: 200, p95: 300, p99: 300 },
      lastAt: 1_300,
    });
  });

  it("counts what is missing, what is there twice, and what nobody posted", () => {
    const effects = [
      { key: "usmf/CIV-1", at: 1_100 },
      { key: "usmf/CIV-1", at: 1_200 },
      { key: "usmf/CIV-1", at: 1_300 },
      { key: "demf/CIV-1", at: 1_400 },
      { key: "demf/CIV-9", at: 1_500 },
    ];

    expect(checkEffects(posted, effects)).toMatchObject({ lost: 1, doubled: 2, unknown: 1 });
  });
});
