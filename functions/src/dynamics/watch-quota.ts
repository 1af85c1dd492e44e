import type { Clock } from "../platform/clock.ts";
import type { Http } from "../platform/http.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { readQuota } from "./quota-headers.ts";
import type { QuotaLimit } from "./quota-headers.ts";

/** What Dataverse's last answer said is left of its limits. */
export interface QuotaTold {
  /** Epoch ms. */
  readonly at: number;
  readonly left: Readonly<Partial<Record<QuotaLimit, number>>>;
}

export interface QuotaWatch {
  /** The same calls. */
  readonly http: Http;
  /** Undefined: this process has heard nothing of limits yet. */
  lastTold(): QuotaTold | undefined;
}

/** What Dataverse's answers say is left of its limits is told to telemetry, and the last of it is kept. */
export function watchQuota(http: Http, clock: Clock, telemetry: Telemetry): QuotaWatch {
  let last: QuotaTold | undefined;
  return {
    lastTold: () => last,
    http: async (request) => {
      const response = await http(request);
      const quota = readQuota(response);
      for (const [limit, left] of quota) telemetry.metric("causeway.ce.quota", left, { limit });
      if (quota.length > 0) last = { at: clock.now(), left: Object.fromEntries(quota) };
      return response;
    },
  };
}
