import type { Http } from "../platform/http.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { readQuota } from "./quota-headers.ts";

/** The same calls; what Dataverse's answers say is left of its limits is told. */
export function watchQuota(http: Http, telemetry: Telemetry): Http {
  return async (request) => {
    const response = await http(request);
    for (const [limit, left] of readQuota(response)) {
      telemetry.metric("causeway.ce.quota", left, { limit });
    }
    return response;
  };
}
