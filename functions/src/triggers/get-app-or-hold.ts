import { getApp } from "../compose.ts";
import type { App } from "../compose.ts";
import { systemClock } from "../platform/clock.ts";
import { holdThenThrow } from "./hold-then-throw.ts";

/** The app, for triggers that messages start; a wrong setting or flow lets no invocation begin. */
export async function getAppOrHold(): Promise<App> {
  try {
    return await getApp();
  } catch (error) {
    return holdThenThrow(systemClock, error);
  }
}
