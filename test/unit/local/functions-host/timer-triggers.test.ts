import { describe, expect, it } from "@jest/globals";
import { SimulatedClock } from "../../../../local/clock.ts";
import type { FunctionApp } from "../../../../local/functions-host/load-function-app.ts";
import type { RpcInvocationRequest } from "../../../../local/functions-host/rpc-types.ts";
import { startTimerTriggers } from "../../../../local/functions-host/timer-triggers.ts";
import type { TimerTriggers } from "../../../../local/functions-host/timer-triggers.ts";

interface SetUp {
  readonly clock: SimulatedClock;
  readonly timers: TimerTriggers;
  readonly runs: string[];
  readonly log: string[];
  readonly requests: RpcInvocationRequest[];
}

function setUp(
  options: {
    runOnStartup?: boolean;
    isScheduled?: boolean;
    handle?: (clock: SimulatedClock) => Promise<void>;
  } = {},
): SetUp {
  const clock = new SimulatedClock(Date.parse("2026-11-24T08:03:00Z"));
  const runs: string[] = [];
  const log: string[] = [];
  const requests: RpcInvocationRequest[] = [];
  const binding = {
    type: "timerTrigger",
    direction: "in" as const,
    name: "timer1",
    schedule: "%SCHEDULE%",
    runOnStartup: options.runOnStartup ?? false,
  };
  const app: FunctionApp = {
    functions: [{ name: "sweep", bindings: { timer1: binding } }],
    invoke: async (_, request) => {
      runs.push(new Date(clock.now()).toISOString().slice(11, 19));
      requests.push(request);
      await options.handle?.(clock);
      return { invocationId: "", outputData: [] };
    },
    terminate: () => Promise.resolve(),
  };
  const settings = { SCHEDULE: "0 */5 * * * *" };
  const { isScheduled = true } = options;
  const timers = startTimerTriggers({
    app,
    settings,
    clock,
    isScheduled,
    log: (line) => void log.push(line),
  });
  return { clock, timers, runs, log, requests };
}

describe("a timer function", () => {
  it("runs on its schedule and gets the shape that the genuine host sends", async () => {
    const { clock, runs, requests } = setUp();
    await clock.advance(10 * 60_000);
    expect(runs).toEqual(["08:05:00", "08:10:00"]);
    expect(JSON.parse(requests[1]?.inputs[0]?.data.json ?? "")).toEqual({
      Schedule: { AdjustForDST: true },
      ScheduleStatus: {
        Last: "2026-11-24T08:05:00.000Z",
        Next: "2026-11-24T08:15:00.000Z",
        LastUpdated: "2026-11-24T08:05:00.000Z",
      },
      IsPastDue: false,
    });
  });

  it("runs at the start when it says so", async () => {
    const { clock, runs } = setUp({ runOnStartup: true });
    await clock.advance(0);
    expect(runs).toEqual(["08:03:00"]);
  });

  it("leaves its schedule to another instance where it has none, and can still be run by hand", async () => {
    const { clock, timers, runs } = setUp({ runOnStartup: true, isScheduled: false });
    await clock.advance(10 * 60_000);
    expect(runs).toEqual([]);

    await timers.runNow("sweep");
    expect(runs).toHaveLength(1);
  });

  it("never overlaps itself: a run that outlasts its next time is followed by a later one", async () => {
    const { clock, runs } = setUp({ handle: (time) => time.sleep(6 * 60_000) });
    await clock.advance(20 * 60_000);
    expect(runs).toEqual(["08:05:00", "08:15:00"]);
  });

  it("goes on after a failure, which is one line of the log", async () => {
    const { clock, runs, log } = setUp({ handle: () => Promise.reject(new Error("broken")) });
    await clock.advance(10 * 60_000);
    expect(runs).toHaveLength(2);
    expect(log[0]).toBe("Executed 'Functions.sweep' (Failed): Error: broken");
  });

  it("can be run by hand, and not after closing", async () => {
    const { timers, runs } = setUp();
    expect(await timers.runNow("sweep")).toBe(true);
    expect(await timers.runNow("other")).toBe(false);
    await timers.close();
    await timers.runNow("sweep");
    expect(runs).toEqual(["08:03:00"]);
  });
});
