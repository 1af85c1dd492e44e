/** Thrown by a target whose effect must not repeat: what failed (`cause`) failed before anything was sent. */
export class NotCalledError extends Error {
  constructor(cause: unknown) {
    super("failed before the call", { cause });
    this.name = "NotCalledError";
  }
}
