import { describe, expect, it } from "@jest/globals";
import { holdThenThrow } from "../../../../functions/src/triggers/hold-then-throw.ts";
import { ManualClock, startOfTime } from "../../../support/delivery-world.ts";

describe("a trigger that cannot begin", () => {
  it("keeps its messages for four minutes before it fails", async () => {
    const clock = new ManualClock();
    const held = holdThenThrow(clock, new Error("no flow for the target"));
    await expect(held).rejects.toThrow("no flow for the target");
    expect(clock.now()).toBe(startOfTime + 240_000);
  });
});
