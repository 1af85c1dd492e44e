import type { Budget } from "../../delivery/budgets.ts";
import type { Gates } from "../../delivery/gates.ts";
import type { LoadedFlow } from "../../flows/load-flows.ts";
import type { Clock } from "../../platform/clock.ts";
import type { AppConfig } from "../../platform/config.ts";
import type { BodyStore } from "../../platform/body-store.ts";
import type { TableStore } from "../../platform/table-store.ts";
import type { VerificationSummary } from "../../recovery/verify/verification.ts";

/** Open failures of one cause. */
export interface FailureCount {
  readonly group: string;
  readonly target: string;
  readonly code: string;
  readonly meaning: string;
  readonly owner: string;
  readonly fixIn: string;
  readonly count: number;
  /** There are more than `count`. */
  readonly isAtLeast: boolean;
  /** Epoch ms of the first one. */
  readonly since: number;
}

export interface FailureCounts {
  readonly groups: readonly FailureCount[];
  /** Targets that have more groups than these. */
  readonly targetsWithMore: readonly string[];
}

/** What the read routes read from. */
export interface ReadDependencies {
  readonly store: TableStore;
  /** Bodies that do not fit their row. */
  readonly bodies: BodyStore;
  readonly clock: Clock;
  readonly config: AppConfig;
  readonly flows: readonly LoadedFlow[];
  readonly gates: Gates;
  /** Targets that are deployed here, with their budgets. */
  readonly budgets: ReadonlyMap<string, Budget>;
  readonly countFailures: () => Promise<FailureCounts>;
  /** The latest, newest first. */
  readonly listVerifications: () => Promise<readonly VerificationSummary[]>;
}

/** Companies whose journeys can be looked up without naming one. */
export function knownCompanies(on: ReadDependencies): readonly string[] {
  const inFlows = on.flows.flatMap(({ flow }) =>
    Object.values(flow.targets).flatMap(({ legalEntities = {} }) => Object.keys(legalEntities)),
  );
  const inConfig = Object.values(on.config.targets).flatMap(({ legalEntities = {} }) =>
    Object.keys(legalEntities),
  );
  return [...new Set([...inFlows, ...inConfig].map((name) => name.toLowerCase()))].sort();
}
