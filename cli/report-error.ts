import { asError, CausewayError } from "../functions/src/platform/causeway-error.ts";

/** One line for a person: code, what happened and the fix; a stack only for what nobody expected. */
export function reportError(thrown: unknown): void {
  const error = asError(thrown);
  const text =
    error instanceof CausewayError
      ? `${error.code}: ${error.message}`
      : (error.stack ?? error.message);
  process.stderr.write(`causeway: ${text}\n`);
}
