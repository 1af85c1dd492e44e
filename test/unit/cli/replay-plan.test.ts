import { describe, expect, it } from "@jest/globals";
import { countOf, describeTotal } from "../../../cli/operator/replay-plan.ts";

const examples = [{ target: "ce", businessKey: "usmf/CIV-000001", changes: [] }];
const whole = {
  ...{ total: 12, isAtLeast: false, countedTo: null },
  ...{ parts: [], examples, leftOut: [] },
};
const part = { ...whole, isAtLeast: true, countedTo: "2026-11-24T12:10:00.000Z" };

describe("the plan of a replay", () => {
  it("says how many there are in all, and names some", () => {
    expect(describeTotal(whole)).toBe("12 in all, for example ce usmf/CIV-000001");
  });

  it("says up to which event time it has counted when that is not all", () => {
    expect(describeTotal(part)).toBe(
      "at least 12, counted up to 2026-11-24 12:10:00Z, for example ce usmf/CIV-000001",
    );
    expect(describeTotal({ ...part, total: 0, examples: [] })).toBe(
      "at least 0, counted up to 2026-11-24 12:10:00Z",
    );
  });

  it("says at least how many there are when there are too many to count", () => {
    expect(countOf({ ...part, countedTo: null })).toBe("at least 12");
  });
});
