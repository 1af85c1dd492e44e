import { intakeTarget } from "../delivery/ledger-keys.ts";
import type { LoadedFlow } from "../flows/load-flows.ts";
import type { FailureStore } from "../recovery/failure-store.ts";
import type { Selection } from "../recovery/replay/replay-job.ts";
import { OperatorError } from "./operator-error.ts";

/** Throws TARGET_UNKNOWN for a name that selects nothing because there is no such target, and never was. */
export type CheckTargetName = (target: string | undefined) => Promise<void>;

export function createCheckTargetName(on: {
  readonly flows: readonly LoadedFlow[];
  /** By name: those that this stack delivers to. */
  readonly targets: ReadonlyMap<string, unknown>;
  readonly failures: Pick<FailureStore, "targets">;
}): CheckTargetName {
  const named = on.flows.flatMap(({ targets }) => Object.keys(targets));
  const known = [...new Set([...named, ...on.targets.keys()])].sort();
  return async (target) => {
    if (target === undefined || target === intakeTarget || known.includes(target)) return;
    // A flow may have lost one since.
    if ((await on.failures.targets()).includes(target)) return;
    throw new OperatorError(
      "TARGET_UNKNOWN",
      `There is no target ${target} here.`,
      `Use one of ${[...known, intakeTarget].join(", ")}.`,
    );
  };
}

export function targetOf(selection: Selection): string | undefined {
  switch (selection.kind) {
    case "filter":
      return selection.filter.target;
    case "window":
      return selection.target;
    case "ids":
    case "all":
      return undefined;
  }
}
