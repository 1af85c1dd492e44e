import { inParallel } from "../delivery/batch-writes.ts";
import type { FailureStore } from "./failure-store.ts";
import type { FailureStatus, StoredFailure } from "./failure.ts";

export interface FailureName {
  readonly target: string;
  readonly failureId: string;
}

/** A failure that somebody named, and about which nothing is left to decide. */
export interface LeftOut extends FailureName {
  /** Null: there is no such failure. */
  readonly status: Exclude<FailureStatus, "open"> | null;
}

export interface NamedFailures {
  /** In the order in which they were named. */
  readonly open: readonly StoredFailure[];
  readonly leftOut: readonly LeftOut[];
}

const parallel = 16;

/** Failures by their ids; what is not open is told, so that nobody takes it for decided. */
export async function findNamed(
  failures: Pick<FailureStore, "get">,
  names: readonly FailureName[],
): Promise<NamedFailures> {
  const found = new Map<FailureName, StoredFailure | undefined>();
  await inParallel(names, parallel, async (name) => {
    found.set(name, await failures.get(name.target, name.failureId));
  });
  const open: StoredFailure[] = [];
  const leftOut: LeftOut[] = [];
  for (const name of names) {
    const failure = found.get(name);
    const { target, failureId } = name;
    if (failure === undefined) leftOut.push({ target, failureId, status: null });
    else if (failure.status === "open") open.push(failure);
    else leftOut.push({ target, failureId, status: failure.status });
  }
  return { open, leftOut };
}
