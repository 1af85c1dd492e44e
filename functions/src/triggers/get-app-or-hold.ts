import { getApp } from "../compose.ts";
import type { App } from "../compose.ts";
import { systemClock } from "../platform/clock.ts";

/** Under the lock's five minutes; 100 deliveries then last six and a half hours instead of seconds. */
const holdMs = 4 * 60_000;

/**
 * The app, for triggers that messages start. A wrong setting or flow lets no invocation begin, and the
 * host abandons its messages at once: without a pause a bad deployment would turn a backlog into dead
 * letters before anybody reads the alert. Holding them keeps them where they are until it is put right.
 */
export async function getAppOrHold(): Promise<App> {
  try {
    return await getApp();
  } catch (error) {
    await systemClock.sleep(holdMs);
    throw error;
  }
}
