import { asError, CausewayError } from "../functions/src/platform/causeway-error.ts";
import { exitCodes } from "./exit-codes.ts";
import { ApiRefusal } from "./operator/api-refusal.ts";

/** One line for a person: code, what happened and the fix; a stack only for what nobody expected. */
export function reportError(thrown: unknown): void {
  const error = asError(thrown);
  const text =
    error instanceof CausewayError
      ? `${error.code}: ${error.message}`
      : (error.stack ?? error.message);
  process.stderr.write(`causeway: ${text}\n`);
  if (error instanceof ApiRefusal && error.fix !== "") process.stderr.write(`${error.fix}\n`);
}

export function toExitCode(thrown: unknown): number {
  if (!(thrown instanceof ApiRefusal)) return exitCodes.failed;
  switch (thrown.status) {
    case 400:
      return exitCodes.calledWrongly;
    case 401:
    case 403:
      return exitCodes.notAllowed;
    case 404:
      return exitCodes.nothingFound;
    default:
      return exitCodes.failed;
  }
}
