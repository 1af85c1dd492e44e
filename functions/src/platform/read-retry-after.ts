import type { HttpResponse } from "./http.ts";

/**
 * What an answer's Retry-After says in ms: seconds, or an HTTP date
 * (https://www.rfc-editor.org/rfc/rfc9110#field.retry-after). A date is compared with the answer's own `date`, since our clock
 * may differ; with `now` (epoch ms) where it has none. Undefined when it says nothing that can be read.
 */
export function readRetryAfter(
  { headers }: Pick<HttpResponse, "headers">,
  now?: number,
): number | undefined {
  const header = headers.get("retry-after")?.trim() ?? "";
  if (/^\d+(?:\.\d+)?$/.test(header)) return Number(header) * 1_000;
  const until = Date.parse(header);
  if (Number.isNaN(until)) return undefined;
  const date = Date.parse(headers.get("date") ?? "");
  const at = Number.isNaN(date) ? now : date;
  return at === undefined ? undefined : Math.max(until - at, 0);
}
