/*
 * Keeps under Dataverse's limits instead of running into them. While more than half is left, calls go as they
 * come. Below that, each answer says how much has been used up since the one before, by whomever, and the
 * next call waits as long as the limits take to give that much back; the closer the end, the longer. Nobody is
 * refused then, and nothing has to come again in smaller groups.
 */
import type { Clock } from "../platform/clock.ts";
import type { Http } from "../platform/http.ts";
import { readQuota } from "./quota-headers.ts";
import type { QuotaLimit } from "./quota-headers.ts";

/** 6,000 requests and 20 minutes of execution in any five minutes. */
const givenBackPerSecond: Readonly<Record<QuotaLimit, number>> = { requests: 20, seconds: 4 };
const freeShare = 0.5;
/** From here on the pace falls with what is left, and would be nothing at the end. */
const tightShare = 0.3;
const longestPauseMs = 30_000;

export function paceQuota(http: Http, clock: Clock): Http {
  const most = new Map<QuotaLimit, number>();
  const lefts = new Map<QuotaLimit, number>();
  let freeAt = 0;
  const learn = (limit: QuotaLimit, left: number): void => {
    const limitIs = Math.max(most.get(limit) ?? 0, left);
    const used = (lefts.get(limit) ?? left) - left;
    most.set(limit, limitIs);
    lefts.set(limit, left);
    const share = limitIs === 0 ? 0 : left / limitIs;
    if (used <= 0 || share >= freeShare) return;
    const pace = givenBackPerSecond[limit] * Math.min(1, share / tightShare);
    const pauseMs = pace === 0 ? longestPauseMs : Math.min((used / pace) * 1_000, longestPauseMs);
    freeAt = Math.max(freeAt, clock.now()) + pauseMs;
  };
  return async (request) => {
    const waitMs = freeAt - clock.now();
    // Whoever gives up meanwhile is told so by the call itself.
    if (waitMs > 0) await clock.sleep(waitMs, request.signal).catch(() => undefined);
    const response = await http(request);
    for (const [limit, left] of readQuota(response)) learn(limit, left);
    return response;
  };
}
