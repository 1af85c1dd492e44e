import { OperatorError } from "./operator-error.ts";

const maxLimit = 200;
const defaultLimit = 50;

/** Rows per page. */
export function readLimit(query: URLSearchParams): number {
  const text = query.get("limit");
  if (text === null) return defaultLimit;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw wrong("limit", `must be a whole number from 1 to ${maxLimit}`);
  }
  return limit;
}

/** Epoch ms of an instant; undefined when it is not given. */
export function readInstant(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const instant = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}T.*Z$/.test(text) || Number.isNaN(instant)) {
    throw wrong(name, "must be an instant such as 2026-11-24T12:00:00Z");
  }
  return instant;
}

export function readText(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  return text === null || text === "" ? undefined : text;
}

/** Tells every parameter that the route does not know: a misspelt filter must not select everything. */
export function allowOnly(query: URLSearchParams, names: readonly string[]): void {
  const unknown = [...new Set(query.keys())].filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  throw wrong(unknown.join(", "), `is no parameter here; there are ${names.join(", ")}`);
}

function wrong(name: string, what: string): OperatorError {
  return new OperatorError(
    "REQUEST_INVALID",
    `The parameter ${name} ${what}.`,
    "Correct it; nothing was changed.",
  );
}
