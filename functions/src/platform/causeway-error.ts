/** Whether trying again can help: decided where the fact is known, never guessed later. */
export type Fate = "transient" | "permanent";

/**
 * Base of every error we throw on purpose. `code` comes from the literal union of its area and has a
 * section in the runbook; `ids` are identifiers only (never bodies, addresses or secrets).
 */
export class CausewayError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly fate: Fate;
  readonly ids: Readonly<Record<string, string | number>>;

  constructor(
    code: Code,
    message: string,
    options: {
      readonly fate: Fate;
      readonly ids?: Readonly<Record<string, string | number>>;
      readonly cause?: unknown;
    },
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "CausewayError";
    this.code = code;
    this.fate = options.fate;
    this.ids = options.ids ?? {};
  }
}

/** What was thrown, as an Error: catch clauses get `unknown`. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
