import { describe, expect, it } from "@jest/globals";
import { readOptions } from "../../../bench/bench-options.ts";

describe("the bench's options", () => {
  it("are ten thousand events with 20 ms of latency unless told", () => {
    expect(readOptions([])).toMatchObject({
      mode: "latency",
      events: 10_000,
      sampleEvents: 2_000,
      latencyMs: 20,
    });
  });

  it("keep latency out of a run under Dataverse's limits", () => {
    expect(readOptions(["--limits", "--events", "500"])).toMatchObject({
      mode: "limits",
      latencyMs: 0,
      sampleEvents: 100,
    });
  });

  it.each([
    [["--events", "0"], "--events takes a whole number from 1"],
    [["--events", "many"], "many"],
    [["--backlogs", "1000"], "--backlogs takes two numbers"],
    [["--limits", "--cost"], "exclude each other"],
    [["--event", "5"], "--event"],
  ])("refuse %j with words that help", (args, words) => {
    expect(() => readOptions(args)).toThrow(words);
  });
});
