import type { Clock } from "./clock.ts";

/** Runs `work` with a signal that is aborted when the time is up; from the start when there is none. */
export async function limitTime<Result>(
  clock: Clock,
  limitMs: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const limit = new AbortController();
  const done = new AbortController();
  const stop = (): void => limit.abort(new Error("the time for it is up"));
  if (limitMs <= 0) stop();
  else clock.sleep(limitMs, done.signal).then(stop, () => undefined);
  try {
    return await work(limit.signal);
  } finally {
    done.abort(new Error("it is done"));
  }
}
