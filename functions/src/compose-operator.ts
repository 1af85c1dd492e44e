import { createCheckAddress } from "./operator/check-address.ts";
import { createCheckTargetName } from "./operator/check-target-name.ts";
import { createCheckToken } from "./operator/check-token.ts";
import { createOperatorApi } from "./operator/create-operator-api.ts";
import type { OperatorApi } from "./operator/create-operator-api.ts";
import { createAuditRoutes } from "./operator/routes/audit-routes.ts";
import { createEditRoutes } from "./operator/routes/edit-routes.ts";
import { createFailureRoutes } from "./operator/routes/failure-routes.ts";
import { createDiscardRoutes } from "./operator/routes/discard-routes.ts";
import { createMeRoutes } from "./operator/routes/me-routes.ts";
import { createProbeRoutes } from "./operator/routes/probe-routes.ts";
import type { ProbeRoutesOptions } from "./operator/routes/probe-routes.ts";
import { createReplayRoutes } from "./operator/routes/replay-routes.ts";
import { createVerifyRoutes } from "./operator/routes/verify-routes.ts";
import type { Clock } from "./platform/clock.ts";
import type { AppConfig } from "./platform/config.ts";
import type { Telemetry } from "./platform/telemetry.ts";
import type { AuditLog } from "./recovery/audit-log.ts";
import { createEditStore } from "./recovery/edits/edit-store.ts";
import { createReadRoutes } from "./operator/reads/read-routes.ts";
import type { ReadRoutesOptions } from "./operator/reads/read-routes.ts";
import { groupFailures } from "./recovery/group-failures.ts";
import { meaningOf } from "./recovery/failure-codes.ts";
import type { FailureCounts } from "./operator/reads/read-dependencies.ts";
import type { FailureStore } from "./recovery/failure-store.ts";
import type { ReplayRunner } from "./recovery/replay/create-replay-runner.ts";
import type { RunnerDependencies } from "./recovery/replay/run-replay.ts";
import type { VerifyDependencies } from "./recovery/verify/run-verification.ts";

export interface OperatorParts {
  readonly config: AppConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly recovery: RunnerDependencies;
  readonly runner: ReplayRunner;
  readonly verify: VerifyDependencies;
  readonly audit: AuditLog;
  readonly probes: Omit<ProbeRoutesOptions, "clock" | "audit">;
  readonly reads: Omit<
    ReadRoutesOptions,
    "config" | "clock" | "audit" | "countFailures" | "listVerifications"
  >;
}

const defaultPerSecond = 50;
/** A week of nights, and what people asked for meanwhile. */
const verificationsLooked = 30;

/** The operator API with every route that there is. */
export function composeOperatorApi(parts: OperatorParts): OperatorApi {
  const { audit, clock, recovery, runner } = parts;
  const { operator } = parts.config;
  const checkTargetName = createCheckTargetName(recovery);
  return createOperatorApi({
    checkAddress: createCheckAddress(operator?.addresses),
    checkToken: operator === undefined ? undefined : createCheckToken(operator, parts.clock),
    telemetry: parts.telemetry,
    routes: [
      ...createMeRoutes(),
      ...createFailureRoutes({ audit, checkTargetName, clock, failures: recovery.failures }),
      ...createDiscardRoutes({ ...recovery, audit, checkTargetName }),
      ...createReplayRoutes({
        ...recovery,
        audit,
        checkTargetName,
        defaultPerSecond: operator?.replayPerSecond ?? defaultPerSecond,
        kick: (id) => runner.kick(id),
      }),
      ...createEditRoutes({
        ...recovery,
        audit,
        edits: createEditStore(recovery.store),
        allowEdits: operator?.allowEdits ?? false,
        kick: (id) => runner.kick(id),
      }),
      ...createVerifyRoutes({ ...parts.verify, audit, kick: (id) => runner.kick(id) }),
      ...createProbeRoutes({ ...parts.probes, audit, clock }),
      ...createAuditRoutes(parts),
      ...createReadRoutes({
        ...parts.reads,
        config: parts.config,
        clock,
        audit,
        countFailures: () => countFailures(recovery.failures),
        listVerifications: () => parts.verify.verifications.summaries(verificationsLooked),
      }),
    ],
  });
}

async function countFailures(failures: FailureStore): Promise<FailureCounts> {
  const { groups, targetsWithMore } = await groupFailures(failures, {});
  const counts = groups.map(({ group, target, code, owner, fixIn, count, isAtLeast, firstAt }) => {
    const { meaning } = meaningOf(code);
    return { group, target, code, meaning, owner, fixIn, count, isAtLeast, since: firstAt };
  });
  return { groups: counts, targetsWithMore };
}
