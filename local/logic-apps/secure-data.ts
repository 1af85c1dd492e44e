import {
  type ActionDefinition,
  type Actions,
  type WorkflowDefinition,
  branchesOf,
} from "./definition.ts";
import { findCalls } from "./wdl/find-calls.ts";
import { findFunction } from "./wdl/functions/function-table.ts";

const readers = new Set([
  "body",
  "outputs",
  "actions",
  "actionBody",
  "actionOutputs",
  "formDataValue",
  "formDataMultiValues",
]);

/** These give back what they were given: their outputs are hidden together with their inputs. */
const inputsAreOutputs = new Set([
  "compose",
  "parsejson",
  "response",
  "query",
  "select",
  "join",
  "table",
]);

const known = new WeakMap<WorkflowDefinition, ReadonlyMap<string, readonly string[]>>();

/**
 * Which of `inputs` and `outputs` the history hides for an action: what its secureData names, and the inputs that
 * use the secured outputs of another action or a secured trigger.
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app#obfuscate
 */
export function hiddenParts(definition: WorkflowDefinition, name: string): readonly string[] {
  let hidden = known.get(definition);
  if (hidden === undefined) {
    hidden = findHidden(definition);
    known.set(definition, hidden);
  }
  return hidden.get(name) ?? [];
}

export function securedBy(holder: {
  readonly runtimeConfiguration?: ActionDefinition["runtimeConfiguration"];
}): readonly string[] {
  return (holder.runtimeConfiguration?.secureData?.properties ?? []).map((part) =>
    part.toLowerCase(),
  );
}

function findHidden(definition: WorkflowDefinition): ReadonlyMap<string, readonly string[]> {
  const hidden = new Map<string, Set<string>>();
  const own = new Map<string, ActionDefinition>();
  const visit = (actions: Actions): void => {
    for (const [name, action] of Object.entries(actions)) {
      own.set(name, action);
      hidden.set(name, new Set(withOutputs(action, securedBy(action))));
      for (const branch of branchesOf(action)) visit(branch.actions);
    }
  };
  visit(definition.actions ?? {});
  const isTriggerSecured = Object.values(definition.triggers ?? {}).some((trigger) =>
    securedBy(trigger).includes("outputs"),
  );
  // What uses hidden outputs may hide its own, which others use: until nothing changes.
  for (let isChanged = true; isChanged;) {
    isChanged = false;
    const secured = securedNames(own, hidden);
    for (const [name, action] of own) {
      const parts = hidden.get(name) ?? new Set();
      const before = parts.size;
      if (usesSecured(action, secured, isTriggerSecured)) {
        for (const part of withOutputs(action, ["inputs"])) parts.add(part);
      }
      isChanged ||= parts.size > before;
    }
  }
  return new Map([...hidden].map(([name, parts]) => [name, [...parts]]));
}

/** Actions with hidden outputs, and the scopes whose `result()` would show hidden inputs or outputs. */
function securedNames(
  own: ReadonlyMap<string, ActionDefinition>,
  hidden: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  const names = [...own].filter(([name, action]) => {
    const children = branchesOf(action).flatMap((branch) => Object.keys(branch.actions));
    return (
      hidden.get(name)?.has("outputs") === true ||
      children.some((child) => (hidden.get(child)?.size ?? 0) > 0)
    );
  });
  return new Set(names.map(([name]) => name.toLowerCase()));
}

function withOutputs(action: ActionDefinition, parts: readonly string[]): readonly string[] {
  const isBoth = parts.includes("inputs") && inputsAreOutputs.has(action.type.toLowerCase());
  return isBoth ? ["inputs", "outputs"] : parts;
}

function usesSecured(
  action: ActionDefinition,
  securedOutputs: ReadonlySet<string>,
  isTriggerSecured: boolean,
): boolean {
  return findCalls(action.inputs).some((call) => {
    const name = findFunction(call.name)?.name ?? "";
    if (isTriggerSecured && name.startsWith("trigger")) return true;
    return (
      readers.has(name) &&
      call.firstText !== undefined &&
      securedOutputs.has(call.firstText.toLowerCase())
    );
  });
}
