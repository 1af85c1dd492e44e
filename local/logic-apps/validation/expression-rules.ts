import { branchesOf } from "../definition.ts";
import { arityProblem } from "../wdl/evaluate-expression.ts";
import { WorkflowExpressionError } from "../wdl/expression-error.ts";
import { type FoundCall, callsOf, visitTexts } from "../wdl/find-calls.ts";
import { findFunction, functionNames } from "../wdl/functions/function-table.ts";
import { distance } from "fastest-levenshtein";
import { type Inspection, type PlacedAction, isLoop, typeOf } from "./problem.ts";

/** What the calls at one place may refer to. */
interface Place {
  readonly placed: PlacedAction | undefined;
  readonly path: string;
  /** Actions that have surely ended when this place is evaluated, in lower case. */
  readonly ended: ReadonlySet<string>;
}

/** Members that hold further actions, or no templates. */
const notTemplates = new Set([
  "actions",
  "else",
  "cases",
  "default",
  "type",
  "kind",
  "runAfter",
  "metadata",
  "description",
  "operationOptions",
  "runtimeConfiguration",
]);

/** Every expression can be read, calls known functions with the right number of arguments, and refers to what is there. */
export function checkExpressions(inspection: Inspection): void {
  for (const placed of inspection.actions) {
    const place = { placed, path: placed.path, ended: endedBefore(placed, inspection) };
    for (const [member, value] of Object.entries(placed.action)) {
      if (notTemplates.has(member)) continue;
      checkTexts(inspection, templatePlace(place, member), value, member);
    }
    for (const branch of Object.values(placed.action.cases ?? {})) {
      checkTexts(inspection, place, branch.case, "case");
    }
  }
  const everything = new Set(
    [...inspection.byName]
      .filter(([, placed]) => !placed.parents.some(isLoop))
      .map(([name]) => name.toLowerCase()),
  );
  for (const [name, output] of Object.entries(inspection.definition.outputs ?? {})) {
    const place = { placed: undefined, path: `outputs/${name}`, ended: everything };
    checkTexts(inspection, place, output.value, "value");
  }
}

/** An Until looks at its condition after its actions; tracked properties are read after their action. */
function templatePlace(place: Place, member: string): Place {
  const { placed } = place;
  if (placed === undefined) return place;
  const ended = new Set(place.ended);
  if (member === "trackedProperties") ended.add(placed.name.toLowerCase());
  if (member === "expression" && typeOf(placed) === "until") {
    for (const name of namesInside(placed)) ended.add(name);
  }
  return { ...place, ended };
}

function checkTexts(inspection: Inspection, place: Place, value: unknown, member: string): void {
  visitTexts(value, `${place.path}/${member}`, (text, path) => {
    try {
      for (const call of callsOf(text)) checkCall(inspection, place, path, call);
    } catch (error) {
      if (!(error instanceof WorkflowExpressionError)) throw error;
      inspection.report(path, error.message);
    }
  });
}

function checkCall(inspection: Inspection, place: Place, path: string, call: FoundCall): void {
  const found = findFunction(call.name);
  if (found === undefined) {
    const nearest = functionNames().reduce((best, name) =>
      distance(name, call.name) < distance(best, call.name) ? name : best,
    );
    inspection.report(path, `The function '${call.name}' is unknown; did you mean '${nearest}'?`);
    return;
  }
  const { min, max } = found.entry;
  const problem = arityProblem(found.name, min, max, call.argumentCount);
  if (problem !== undefined) inspection.report(path, problem);
  if (call.firstText !== undefined)
    checkReference(inspection, place, path, found.name, call.firstText);
}

const actionReaders = new Set([
  "actions", "actionBody", "actionOutputs", "body", "outputs", "formDataValue", "formDataMultiValues",
  "multipartBody", "result",
]); // prettier-ignore

function checkReference(
  inspection: Inspection,
  place: Place,
  path: string,
  reader: string,
  name: string,
): void {
  if (actionReaders.has(reader)) checkActionReference(inspection, place, path, name);
  else if (reader === "parameters") {
    if (inspection.definition.parameters?.[name] === undefined) {
      inspection.report(path, `The parameter '${name}' is not declared.`);
    }
  } else if (reader === "variables") {
    if (!variableNames(inspection).has(name.toLowerCase())) {
      inspection.report(path, `The variable '${name}' is not initialized.`);
    }
  } else if (reader === "items" || reader === "iterationIndexes") {
    checkLoopReference(inspection, place, path, name);
  }
}

function checkActionReference(
  inspection: Inspection,
  place: Place,
  path: string,
  name: string,
): void {
  const target = findIgnoringCase(inspection.byName, name);
  if (target === undefined) inspection.report(path, `The action '${name}' does not exist.`);
  else if (!place.ended.has(name.toLowerCase())) {
    inspection.report(
      path,
      `The action '${name}' has not surely ended here: it is not on the 'runAfter' path.`,
    );
  }
}

function checkLoopReference(
  inspection: Inspection,
  place: Place,
  path: string,
  name: string,
): void {
  const { placed } = place;
  const around = placed === undefined ? [] : [...placed.parents, placed];
  if (
    !around.some((parent) => parent.name.toLowerCase() === name.toLowerCase() && isLoop(parent))
  ) {
    inspection.report(path, `'${name}' is not a loop around this place.`);
  }
}

function findIgnoringCase(
  byName: ReadonlyMap<string, PlacedAction>,
  name: string,
): PlacedAction | undefined {
  const exact = byName.get(name);
  if (exact !== undefined) return exact;
  return [...byName].find(([known]) => known.toLowerCase() === name.toLowerCase())?.[1];
}

function variableNames(inspection: Inspection): ReadonlySet<string> {
  const names = inspection.actions
    .filter((placed) => typeOf(placed) === "initializevariable")
    .flatMap((placed) => {
      const inputs = placed.action.inputs as
        { readonly variables?: readonly { readonly name?: string }[] } | undefined;
      return (inputs?.variables ?? []).map((variable) => (variable.name ?? "").toLowerCase());
    });
  return new Set(names);
}

/** Everything on the `runAfter` path of an action and of the actions around it, with what those hold. */
function endedBefore(placed: PlacedAction, inspection: Inspection): ReadonlySet<string> {
  const ended = new Set<string>();
  const visited = new Set<string>();
  const visit = (step: PlacedAction): void => {
    for (const name of Object.keys(step.action.runAfter ?? {})) {
      const before = inspection.byName.get(name);
      if (before === undefined || visited.has(name)) continue;
      visited.add(name);
      ended.add(name.toLowerCase());
      if (typeOf(before) !== "foreach") for (const inside of namesInside(before)) ended.add(inside);
      visit(before);
    }
  };
  for (const step of [...placed.parents, placed]) visit(step);
  return ended;
}

/** The actions inside of an action, without those of a Foreach in it: they cannot be seen from outside. */
function namesInside(placed: Pick<PlacedAction, "action">): readonly string[] {
  return branchesOf(placed.action).flatMap((branch) =>
    Object.entries(branch.actions).flatMap(([name, action]) => [
      name.toLowerCase(),
      ...(action.type.toLowerCase() === "foreach" ? [] : namesInside({ action })),
    ]),
  );
}
