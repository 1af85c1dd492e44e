import { createCheckToken } from "./operator/check-token.ts";
import { createOperatorApi } from "./operator/create-operator-api.ts";
import type { OperatorApi } from "./operator/create-operator-api.ts";
import { createAuditRoutes } from "./operator/routes/audit-routes.ts";
import { createFailureRoutes } from "./operator/routes/failure-routes.ts";
import { createMeRoutes } from "./operator/routes/me-routes.ts";
import type { Clock } from "./platform/clock.ts";
import type { AppConfig } from "./platform/config.ts";
import type { Telemetry } from "./platform/telemetry.ts";
import type { AuditLog } from "./recovery/audit-log.ts";
import type { FailureStore } from "./recovery/failure-store.ts";

export interface OperatorParts {
  readonly config: AppConfig;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly failures: FailureStore;
  readonly audit: AuditLog;
}

/** The operator API with every route that there is. */
export function composeOperatorApi(parts: OperatorParts): OperatorApi {
  const { operator } = parts.config;
  return createOperatorApi({
    checkToken: operator === undefined ? undefined : createCheckToken(operator, parts.clock),
    telemetry: parts.telemetry,
    routes: [...createMeRoutes(), ...createFailureRoutes(parts), ...createAuditRoutes(parts)],
  });
}
