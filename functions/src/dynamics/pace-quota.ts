/*
 * Keeps under Dataverse's limits instead of running into them. While more than half is left, calls go as they
 * come. Below that, each answer says how much has been used up since the one before, by whomever, and calls
 * wait as long as the limits take to give that much back, less the time that has passed since; the closer the end,
 * the longer. Nobody is refused then, and nothing has to come again in smaller groups.
 *
 * Several servers answer for one Dataverse, each with counts of its own, and nobody knows which is next: what one
 * says is compared with what it said before, and calls wait for the longest of all pauses, never for their sum. More
 * than half left ends a server's pause.
 */
import type { Clock } from "../platform/clock.ts";
import type { Http } from "../platform/http.ts";
import { readQuota, readServer } from "./quota-headers.ts";
import type { QuotaLimit } from "./quota-headers.ts";

/** 6,000 requests and 20 minutes of execution in any five minutes, of each server. */
const documented: Readonly<Record<QuotaLimit, number>> = { requests: 6_000, seconds: 1_200 };
const givenBackPerSecond: Readonly<Record<QuotaLimit, number>> = { requests: 20, seconds: 4 };
const freeShare = 0.5;
/** From here on the pace falls with what is left, and would be nothing at the end. */
const tightShare = 0.3;
const longestPauseMs = 30_000;
/** Servers that come and go over weeks; an organisation has a handful. */
const mostServers = 50;

/** What a server said of one limit, when, and until when calls wait for it. */
interface Count {
  /** The most that it ever had; organisations may have more than is documented. */
  readonly most: number;
  readonly left: number;
  readonly at: number;
  readonly freeAt: number;
}

export function paceQuota(http: Http, clock: Clock): Http {
  const counts = new Map<string, Count>();
  const learn = (server: string, limit: QuotaLimit, left: number): void => {
    const key = `${limit} ${server}`;
    const at = clock.now();
    const before = counts.get(key);
    const most = Math.max(before?.most ?? toMost(limit, left), left);
    if (before === undefined && counts.size >= 2 * mostServers) counts.clear();
    const share = most === 0 ? 0 : left / most;
    const used = before === undefined ? 0 : before.left - left;
    // From the answer before: what has passed since then has given back its part already.
    const from = Math.max(before?.freeAt ?? 0, before?.at ?? at);
    const freeAt =
      share >= freeShare ? 0 : Math.min(from + toPauseMs(limit, used, share), at + longestPauseMs);
    counts.set(key, { most, left, at, freeAt });
  };
  return async (request) => {
    const freeAt = Math.max(0, ...[...counts.values()].map((count) => count.freeAt));
    const waitMs = freeAt - clock.now();
    // Whoever gives up meanwhile is told so by the call itself.
    if (waitMs > 0) await clock.sleep(waitMs, request.signal).catch(() => undefined);
    const response = await http(request);
    const server = readServer(response);
    for (const [limit, left] of readQuota(response)) learn(server, limit, left);
    return response;
  };
}

/**
 * An instance that starts under load first hears what others have left over, which is not all there is. Less than a
 * tenth may as well be a smaller limit: of that nobody can tell, and 429 would.
 */
function toMost(limit: QuotaLimit, left: number): number {
  return left < documented[limit] / 10 ? left : documented[limit];
}

function toPauseMs(limit: QuotaLimit, used: number, share: number): number {
  if (used <= 0) return 0;
  const pace = givenBackPerSecond[limit] * Math.min(1, share / tightShare);
  return pace === 0 ? longestPauseMs : Math.min((used / pace) * 1_000, longestPauseMs);
}
