import type { HttpResponse } from "../platform/http.ts";

/** https://learn.microsoft.com/power-apps/developer/data-platform/api-limits: of the server that answered. */
const headers = {
  requests: "x-ms-ratelimit-burst-remaining-xrm-requests",
  seconds: "x-ms-ratelimit-time-remaining-xrm-requests",
} as const;

export type QuotaLimit = keyof typeof headers;

/** What Dataverse says is left of its limits; nothing where it does not say so. */
export function readQuota(
  response: Pick<HttpResponse, "headers">,
): readonly (readonly [QuotaLimit, number])[] {
  return (["requests", "seconds"] as const).flatMap((limit) => {
    const text = response.headers.get(headers[limit]);
    // Seconds come with a comma after the thousands: "1,199.46".
    const left = Number(text?.replaceAll(",", ""));
    return text === null || text === "" || !Number.isFinite(left) ? [] : [[limit, left] as const];
  });
}

/**
 * Each web server of Dataverse counts for itself, and names itself in the cookie by which a client may stay with it
 * (https://learn.microsoft.com/power-apps/developer/data-platform/send-parallel-requests). "" when it does not.
 */
export function readServer({ headers: of }: Pick<HttpResponse, "headers">): string {
  return /\bARRAffinity=([^;,\s]+)/.exec(of.get("set-cookie") ?? "")?.[1] ?? "";
}
