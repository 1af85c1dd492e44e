import type { AppConfig } from "../platform/config.ts";
import { FlowError } from "./flow-error.ts";
import type { LoadedFlow } from "./load-flows.ts";
import { suggestName } from "./nearest-name.ts";
import type { SchemaSet } from "./schema-set.ts";
import type { FlowProblem } from "./validate-mapping.ts";

/**
 * Throws FLOW_INVALID when the stack's settings name a target, mode or member that does not exist: a
 * misspelt "off" or go-live must stop the start and not be ignored.
 */
export function checkTargetSettings(
  settings: AppConfig["targets"],
  flows: readonly LoadedFlow[],
  schemas: SchemaSet,
): void {
  const file = "CAUSEWAY_TARGETS";
  const problems: FlowProblem[] = schemas
    .problems("flow/target-settings.v1", settings)
    .map(({ path, message, wrong, known }) => ({
      file,
      field: path,
      message: wrong === undefined ? message : `${message}${suggestName(wrong, known ?? [])}`,
    }));
  const known = [...new Set(flows.flatMap(({ targets }) => Object.keys(targets)))];
  for (const name of Object.keys(settings)) {
    if (known.includes(name)) continue;
    problems.push({
      file,
      field: name,
      message: `no flow has this target${suggestName(name, known)}`,
    });
  }
  if (problems.length > 0) throw new FlowError(problems);
}
