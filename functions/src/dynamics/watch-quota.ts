import type { Http } from "../platform/http.ts";
import type { Telemetry } from "../platform/telemetry.ts";

/** https://learn.microsoft.com/power-apps/developer/data-platform/api-limits: of the server that answered. */
const limits = {
  requests: "x-ms-ratelimit-burst-remaining-xrm-requests",
  seconds: "x-ms-ratelimit-time-remaining-xrm-requests",
} as const;

/** The same calls; what Dataverse's answers say is left of its limits is told. */
export function watchQuota(http: Http, telemetry: Telemetry): Http {
  return async (request) => {
    const response = await http(request);
    for (const [limit, header] of Object.entries(limits)) {
      const text = response.headers.get(header);
      const left = Number(text);
      if (text !== null && text !== "" && Number.isFinite(left)) {
        telemetry.metric("causeway.ce.quota", left, { limit });
      }
    }
    return response;
  };
}
