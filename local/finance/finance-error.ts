export type FinanceErrorCode =
  | "UNAUTHORIZED"
  | "NOT_REGISTERED"
  | "NOT_FOUND"
  | "BAD_REQUEST"
  | "WRITE_FAILED"
  | "UNKNOWN_MASTER_DATA"
  | "NO_ENDPOINT"
  | "SECRET_UNREADABLE"
  | "SEND_FAILED";

/** What the simulated F&O refuses. */
export class FinanceError extends Error {
  readonly code: FinanceErrorCode;

  constructor(code: FinanceErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "FinanceError";
    this.code = code;
  }
}

/** Refusals in the shape of F&O's own answers: the useful text is innererror.message. */
export function toErrorBody(message: string): unknown {
  return {
    error: {
      code: "",
      message: "An error has occurred.",
      innererror: {
        message,
        type: "Microsoft.Dynamics.Platform.Integration.Services.OData.ODataException",
        stacktrace: "",
      },
    },
  };
}
