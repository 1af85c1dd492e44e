import { describe, expect, it } from "@jest/globals";
import { AdvancingClock } from "../../../../local/clock.ts";
import {
  installProcessTime,
  type TimeGlobals,
} from "../../../../local/functions-host/process-time.ts";

const hourMs = 3_600_000;

function install(): { readonly globals: TimeGlobals; readonly clock: AdvancingClock } {
  const { setTimeout: set, clearTimeout } = globalThis;
  const globals: TimeGlobals = { Date, setTimeout: set, clearTimeout };
  const clock = new AdvancingClock();
  installProcessTime(globals, clock);
  return { globals, clock };
}

describe("a process whose time is moved on", () => {
  it("tells the moved time in every way that Date has, and leaves given times alone", async () => {
    const { globals, clock } = install();
    await clock.advance(10 * hourMs);
    const ahead = (ms: number): number => Math.round((ms - Date.now()) / hourMs);
    expect(ahead(globals.Date.now())).toBe(10);
    expect(ahead(new globals.Date().getTime())).toBe(10);
    expect(ahead(Date.parse(globals.Date()))).toBe(10);
    expect(new globals.Date(0).toISOString()).toBe("1970-01-01T00:00:00.000Z");
    expect(globals.Date.UTC(1970, 0, 2)).toBe(24 * hourMs);
    expect(new globals.Date()).toBeInstanceOf(Date);
  });

  it("runs long timers by the moved time, with their arguments, and forgets cleared ones", async () => {
    const { globals, clock } = install();
    const ran: unknown[] = [];
    globals.setTimeout((...given: unknown[]) => ran.push(...given), 90_000, "timeout", 1);
    const cleared = globals.setTimeout(() => ran.push("cleared"), 90_000);
    globals.setTimeout(() => ran.push("minute"), 50_000);
    cleared.unref();
    globals.clearTimeout(cleared);
    await clock.advance(60_000);
    expect(ran).toEqual(["minute"]);
    await clock.advance(30_001);
    expect(ran).toEqual(["minute", "timeout", 1]);
  });

  it.each([30_000, 49_999, 120_000])(
    "keeps timers of %d ms real: they measure the wire",
    async (ms) => {
      const { globals, clock } = install();
      let hasRun = false;
      const timer = globals.setTimeout(() => (hasRun = true), ms);
      await clock.advance(hourMs);
      expect(hasRun).toBe(false);
      globals.clearTimeout(timer);
    },
  );
});
