export interface RejectionGuard {
  /** Waits until no more of them come, then lets go. */
  drain(): Promise<void>;
}

/** Rounds of the event loop without a new rejection after which they are taken to be over. */
const QUIET_ROUNDS = 3;

/**
 * Hands over what would end the process: an error inside an `apply` of the program comes back as
 * unhandled rejections of everything that hangs on it, and as nothing else.
 */
export function catchRejections(onRejection: (reason: unknown) => void): RejectionGuard {
  let count = 0;
  const listener = (reason: unknown): void => {
    count += 1;
    onRejection(reason);
  };
  process.on("unhandledRejection", listener);
  const drain = async (): Promise<void> => {
    let before = -1;
    for (let quiet = 0; quiet < QUIET_ROUNDS; quiet = count === before ? quiet + 1 : 0) {
      before = count;
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.off("unhandledRejection", listener);
  };
  return { drain };
}
