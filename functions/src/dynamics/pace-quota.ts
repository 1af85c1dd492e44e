/*
 * Keeps under Dataverse's limits instead of running into them. While more than half is left, calls go as they
 * come. Below that, each answer says how much has been used up since the one before, by whomever, and the
 * next call waits as long as the limits take to give that much back; the closer the end, the longer. Nobody is
 * refused then, and nothing has to come again in smaller groups. Several servers answer for one Dataverse, each
 * with counts of its own: what one says is compared with what it said before, never with another's.
 */
import type { Clock } from "../platform/clock.ts";
import type { Http } from "../platform/http.ts";
import { readQuota, readServer } from "./quota-headers.ts";
import type { QuotaLimit } from "./quota-headers.ts";

/** 6,000 requests and 20 minutes of execution in any five minutes. */
const givenBackPerSecond: Readonly<Record<QuotaLimit, number>> = { requests: 20, seconds: 4 };
const freeShare = 0.5;
/** From here on the pace falls with what is left, and would be nothing at the end. */
const tightShare = 0.3;
const longestPauseMs = 30_000;
/** Servers that come and go over weeks; an organisation has a handful. */
const mostServers = 50;

/** What a server said of one limit: the most that it ever had, and what it had last. */
interface Count {
  readonly most: number;
  readonly left: number;
}

export function paceQuota(http: Http, clock: Clock): Http {
  const counts = new Map<string, Count>();
  let freeAt = 0;
  const learn = (server: string, limit: QuotaLimit, left: number): void => {
    const key = `${limit} ${server}`;
    const before = counts.get(key) ?? { most: left, left };
    const limitIs = Math.max(before.most, left);
    const used = before.left - left;
    if (counts.size >= 2 * mostServers) counts.clear();
    counts.set(key, { most: limitIs, left });
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
    const server = readServer(response);
    for (const [limit, left] of readQuota(response)) learn(server, limit, left);
    return response;
  };
}
