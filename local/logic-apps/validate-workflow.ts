import { compileSchema } from "./actions/data-actions.ts";
import { ActionFailure } from "./action-call.ts";
import {
  type ActionDefinition,
  type Actions,
  type WorkflowDefinition,
  branchesOf,
} from "./definition.ts";
import { checkActions } from "./validation/action-rules.ts";
import { checkExpressions } from "./validation/expression-rules.ts";
import { checkGraph } from "./validation/graph-rules.ts";
import type { Inspection, PlacedAction, WorkflowProblem } from "./validation/problem.ts";

export type { WorkflowProblem } from "./validation/problem.ts";

const parameterTypes = new Set([
  "string",
  "securestring",
  "int",
  "float",
  "bool",
  "array",
  "object",
  "secureobject",
]);

/** Everything wrong with a definition that can be known without running it; empty when nothing is. */
export function validateWorkflow(definition: unknown): readonly WorkflowProblem[] {
  const problems: WorkflowProblem[] = [];
  const report = (path: string, message: string): void => void problems.push({ path, message });
  if (!isRecord(definition))
    return [{ path: "", message: "A workflow definition must be an object." }];
  if (!checkOutline(definition, report)) return problems;
  const actions = placeActions(definition.actions ?? {}, "actions", [], report);
  // Of two actions with one name the first is kept; the other is reported.
  const byName = new Map([...actions].reverse().map((placed) => [placed.name, placed]));
  const inspection: Inspection = { definition, actions, byName, report };
  checkTriggers(inspection);
  checkParameters(inspection);
  checkActions(inspection);
  checkGraph(inspection);
  checkExpressions(inspection);
  return problems;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the parts are objects, so that the rules can look into them. */
function checkOutline(
  definition: Readonly<Record<string, unknown>>,
  report: Inspection["report"],
): definition is Readonly<Record<string, unknown>> & WorkflowDefinition {
  const schema = definition["$schema"];
  if (typeof schema !== "string" || !schema.includes("2016-06-01/workflowdefinition.json")) {
    report("$schema", "The schema must be the workflow definition schema 2016-06-01.");
  }
  let isReadable = true;
  for (const part of ["parameters", "triggers", "actions", "outputs", "staticResults"]) {
    const value = definition[part];
    const isNeeded = part === "triggers" || part === "actions";
    const members = isRecord(value) ? Object.entries(value) : [];
    if (value === undefined ? isNeeded : !isRecord(value)) {
      report(part, "An object is needed here.");
      isReadable = false;
    }
    for (const [name, member] of members) {
      if (isRecord(member) && (part !== "triggers" || typeof member["type"] === "string")) continue;
      report(
        `${part}/${name}`,
        part === "triggers" ? "An object with a type is needed here." : "An object is needed here.",
      );
      isReadable = false;
    }
  }
  return isReadable;
}

/** Lists all actions, however deep; those without a type are reported and left out. */
function placeActions(
  actions: Actions,
  path: string,
  parents: readonly PlacedAction[],
  report: Inspection["report"],
): readonly PlacedAction[] {
  return Object.entries(actions).flatMap(([name, action]: [string, unknown]) => {
    const here = `${path}/${name}`;
    if (!isRecord(action) || typeof action["type"] !== "string") {
      report(here, "An object with a type is needed here.");
      return [];
    }
    const placed = {
      name,
      path: here,
      action: action as unknown as ActionDefinition,
      siblings: actions,
      parents,
    };
    const inside = branchesOf(placed.action).flatMap((branch) =>
      placeActions(branch.actions, `${here}/${branch.path}`, [...parents, placed], report),
    );
    return [placed, ...inside];
  });
}

function checkTriggers({ definition, report }: Inspection): void {
  const triggers = Object.entries(definition.triggers ?? {});
  if (triggers.length === 0) report("triggers", "A workflow needs a trigger.");
  for (const [name, trigger] of triggers) {
    if (trigger.type.toLowerCase() !== "request") {
      report(
        `triggers/${name}`,
        `The trigger type '${trigger.type}' is not supported by the local runner.`,
      );
      continue;
    }
    try {
      compileSchema(trigger.inputs?.schema ?? {});
    } catch (error) {
      if (!(error instanceof ActionFailure)) throw error;
      report(`triggers/${name}/inputs/schema`, error.message);
    }
  }
}

function checkParameters({ definition, report }: Inspection): void {
  for (const [name, parameter] of Object.entries(definition.parameters ?? {})) {
    if (!parameterTypes.has(parameterType(parameter).toLowerCase())) {
      report(`parameters/${name}`, `'${parameterType(parameter)}' is not a parameter type.`);
    }
  }
}

/** Definitions come from files: the type may be anything. */
function parameterType(parameter: { readonly type: unknown }): string {
  return typeof parameter.type === "string" ? parameter.type : "";
}
