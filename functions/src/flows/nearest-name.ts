import { closest, distance } from "fastest-levenshtein";

/** `; did you mean "total"?`, or the first names when nothing is near: an error should end the search. */
export function suggestName(wrong: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const byCase = known.find((name) => name.toLowerCase() === wrong.toLowerCase());
  const near = byCase ?? closest(wrong, [...known]);
  if (byCase !== undefined || distance(wrong, near) <= Math.max(2, Math.ceil(near.length / 2))) {
    return `; did you mean "${near}"?`;
  }
  const shown = known.slice(0, 8).join(", ");
  return `; known are ${shown}${known.length > 8 ? ", …" : ""}`;
}
