import type { LocalClock, LocalTimer } from "../clock.ts";
import type { Running } from "../cloud.ts";
import { describeFailure } from "./describe-failure.ts";
import type { FunctionApp } from "./load-function-app.ts";
import { parseSchedule } from "./ncrontab.ts";
import { resolveSettings } from "./resolve-settings.ts";
import type { RpcBinding, RpcFunctionMetadata } from "./rpc-types.ts";

interface TimerOptions {
  readonly app: FunctionApp;
  readonly settings: Readonly<Record<string, string | undefined>>;
  readonly clock: LocalClock;
  /** False: another instance of the app runs them by their schedules. */
  readonly isScheduled?: boolean;
  readonly log: (line: string) => void;
}

export interface TimerTriggers extends Running {
  /** Runs a timer function now, whatever its schedule; false when there is no such timer. */
  runNow(name: string): Promise<boolean>;
}

/**
 * Runs each timer function on its schedule: waiting → running → waiting. A run that outlasts its next
 * time is followed by the next future one; two runs of a function never overlap.
 */
export function startTimerTriggers(options: TimerOptions): TimerTriggers {
  const timers = options.app.functions.flatMap((metadata) => {
    const binding = Object.values(metadata.bindings).find(({ type }) => type === "timerTrigger");
    return binding === undefined ? [] : [startTimer(metadata, binding, options)];
  });
  return {
    runNow: async (name) => {
      const timer = timers.find((one) => one.name === name);
      await timer?.run();
      return timer !== undefined;
    },
    close: async () => {
      await Promise.all(timers.map((timer) => timer.close()));
    },
  };
}

interface Timer extends Running {
  readonly name: string;
  run(): Promise<void>;
}

function startTimer(
  { name }: RpcFunctionMetadata,
  binding: RpcBinding,
  { app, settings, clock, isScheduled = true, log }: TimerOptions,
): Timer {
  const schedule = parseSchedule(resolveSettings(String(binding["schedule"]), settings));
  let waiting: LocalTimer | undefined;
  let running: Promise<void> = Promise.resolve();
  let isClosed = false;
  let lastMs = 0;
  const run = (): Promise<void> => (running = running.then(invoke));
  const invoke = async (): Promise<void> => {
    if (isClosed) return;
    const data = { json: JSON.stringify(toTimerInfo(lastMs, schedule.next(clock.now()))) };
    lastMs = clock.now();
    try {
      await app.invoke(name, { inputs: [{ name: binding.name, data }] });
    } catch (error) {
      log(`Executed 'Functions.${name}' (Failed): ${describeFailure(error)}`);
    }
  };
  const arm = (): void => {
    if (isClosed) return;
    const now = clock.now();
    waiting = clock.setTimer(() => void run().then(arm), schedule.next(now) - now);
  };
  if (isScheduled) {
    arm();
    if (binding["runOnStartup"] === true) void run();
  }
  return {
    name,
    run,
    close: async () => {
      isClosed = true;
      waiting?.cancel();
      await running;
    },
  };
}

function toTimerInfo(lastMs: number, nextMs: number): unknown {
  const last = lastMs === 0 ? "0001-01-01T00:00:00+00:00" : new Date(lastMs).toISOString();
  return {
    Schedule: { AdjustForDST: true },
    ScheduleStatus: { Last: last, Next: new Date(nextMs).toISOString(), LastUpdated: last },
    IsPastDue: false,
  };
}
