import { parseBusinessEvent } from "./parse-business-event.ts";
import type { ParsedEvent, ParseOptions } from "./parse-business-event.ts";

/** Parses a body that was parsed already (an object) only once, as long as somebody holds it. */
export function createParser(options: ParseOptions): (body: unknown) => ParsedEvent {
  const known = new WeakMap<object, ParsedEvent>();
  return (body) => {
    if (typeof body !== "object" || body === null) return parseBusinessEvent(body, options);
    const before = known.get(body);
    if (before !== undefined) return before;
    const parsed = parseBusinessEvent(body, options);
    known.set(body, parsed);
    return parsed;
  };
}
