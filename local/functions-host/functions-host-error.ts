export type FunctionsHostErrorCode =
  | "APP_NOT_FOUND"
  | "APP_FAILED_TO_LOAD"
  | "UNSUPPORTED_TRIGGER"
  | "SETTING_MISSING"
  | "SCHEDULE_INVALID"
  | "PORT_IN_USE"
  | "HOST_EXITED";

/** What the local Functions host refuses, with the name of the function or setting in its message. */
export class FunctionsHostError extends Error {
  readonly code: FunctionsHostErrorCode;

  constructor(code: FunctionsHostErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "FunctionsHostError";
    this.code = code;
  }
}
