import type { Clock } from "../platform/clock.ts";

/** Under the lock's five minutes; 100 deliveries then last six and a half hours instead of seconds. */
const holdMs = 4 * 60_000;

/**
 * Throws `error` after a pause. The host abandons the messages of an invocation that throws at once:
 * without the pause a bad deployment would turn a backlog into dead letters before anybody reads the
 * alert. Holding them keeps them where they are until it is put right.
 */
export async function holdThenThrow(clock: Clock, error: unknown): Promise<never> {
  await clock.sleep(holdMs);
  throw error;
}
