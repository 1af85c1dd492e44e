import { actionTable } from "../actions/action-table.ts";
import { hasOption } from "../definition.ts";
import { parseDurationMs } from "../wdl/date-time.ts";
import { type Inspection, type PlacedAction, isLoop, typeOf } from "./problem.ts";

/** Types of the 2016-06-01 schema that the local runner does not run. */
const unsupportedTypes = new Set(
  [
    "ApiConnectionWebhook", "ApiManagement", "Batch", "Expression", "FlatFileDecoding", "FlatFileEncoding",
    "Function", "HttpWebhook", "IntegrationAccountArtifactLookup", "Liquid", "Recurrence", "Request",
    "SendToBatch", "SlidingWindow", "Workflow", "XmlValidation", "Xslt",
  ].map((type) => type.toLowerCase()),
); // prettier-ignore

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration */
const limits = {
  actions: 500,
  nesting: 8,
  nameLength: 80,
  cases: 25,
  variables: 250,
  outputs: 10,
} as const;

export function checkActions(inspection: Inspection): void {
  const { definition, actions, report } = inspection;
  if (actions.length > limits.actions) {
    report("actions", `${actions.length} actions are more than the limit of ${limits.actions}.`);
  }
  const outputs = Object.keys(definition.outputs ?? {}).length;
  if (outputs > limits.outputs)
    report("outputs", `${outputs} outputs are more than the limit of ${limits.outputs}.`);
  const variables = actions.filter((placed) => typeOf(placed) === "initializevariable").length;
  if (variables > limits.variables) {
    report("actions", `${variables} variables are more than the limit of ${limits.variables}.`);
  }
  for (const placed of actions) checkAction(inspection, placed);
}

function checkAction(inspection: Inspection, placed: PlacedAction): void {
  const { report } = inspection;
  const { name, path, parents } = placed;
  const type = typeOf(placed);
  if (!actionTable.has(type)) {
    const problem = unsupportedTypes.has(type)
      ? "is not supported by the local runner"
      : "is unknown";
    report(path, `The action type '${placed.action.type}' ${problem}.`);
    return;
  }
  if (name.length > limits.nameLength)
    report(path, `The name is longer than ${limits.nameLength} characters.`);
  if (inspection.byName.get(name) !== placed) report(path, `Another action is named '${name}'.`);
  if (parents.length >= limits.nesting)
    report(path, `Actions are nested deeper than ${limits.nesting}.`);
  checkPlace(inspection, placed, type);
  checkShape(inspection, placed, type);
  checkRuntime(inspection, placed);
}

/** Where some actions may not stand. */
function checkPlace({ definition, report }: Inspection, placed: PlacedAction, type: string): void {
  const isInLoop = placed.parents.some(isLoop);
  if (type === "initializevariable" && placed.parents.length > 0) {
    report(placed.path, "A variable can be initialized at the top level only.");
  }
  if (isInLoop && type === "terminate")
    report(placed.path, "Terminate cannot stand inside a loop.");
  if (type !== "response") return;
  if (isInLoop) report(placed.path, "Response cannot stand inside a loop.");
  const triggers = Object.values(definition.triggers ?? {});
  if (!triggers.some((trigger) => trigger.type.toLowerCase() === "request")) {
    report(placed.path, "Response needs a Request trigger.");
  }
}

/** Members of `inputs` that a type cannot do without. */
const neededInputs: Readonly<Record<string, readonly string[]>> = {
  http: ["method", "uri"],
  apiconnection: ["host", "method", "path"],
  parsejson: ["content"],
  query: ["from", "where"],
  select: ["from", "select"],
  join: ["from", "joinWith"],
  table: ["from", "format"],
  setvariable: ["name", "value"],
  incrementvariable: ["name"],
  decrementvariable: ["name"],
  appendtoarrayvariable: ["name", "value"],
  appendtostringvariable: ["name", "value"],
  initializevariable: ["variables"],
  terminate: ["runStatus"],
  response: ["statusCode"],
};

function checkShape({ report }: Inspection, placed: PlacedAction, type: string): void {
  const { action, path } = placed;
  const inputs = typeof action.inputs === "object" && action.inputs !== null ? action.inputs : {};
  for (const member of neededInputs[type] ?? []) {
    if (!(member in inputs)) report(`${path}/inputs`, `'${member}' is missing.`);
  }
  const needs = (member: "foreach" | "expression" | "actions"): void => {
    if (action[member] === undefined) report(path, `'${member}' is missing.`);
  };
  if (type === "compose" && action.inputs === undefined) report(path, "'inputs' is missing.");
  if (type === "foreach") needs("foreach");
  if (["if", "switch", "until"].includes(type)) needs("expression");
  if (["foreach", "until", "scope"].includes(type)) needs("actions");
  const cases = Object.keys(action.cases ?? {}).length;
  if (cases > limits.cases)
    report(path, `${cases} cases are more than the limit of ${limits.cases}.`);
  if (type === "response") checkStatusCode(report, placed, inputs);
  if (type === "until") checkUntilLimit(report, placed);
}

function checkStatusCode(report: Inspection["report"], placed: PlacedAction, inputs: object): void {
  const code = "statusCode" in inputs ? inputs.statusCode : undefined;
  if (typeof code === "string" && code.includes("@")) return;
  const text = typeof code === "number" ? String(code) : code;
  const isAllowed = typeof text === "string" && /^[245]\d\d$/.test(text);
  if (code !== undefined && !isAllowed) {
    report(
      `${placed.path}/inputs/statusCode`,
      `A Response can have the status codes 2xx, 4xx and 5xx, not ${JSON.stringify(code)}.`,
    );
  }
}

function checkUntilLimit(report: Inspection["report"], placed: PlacedAction): void {
  const { count, timeout } = placed.action.limit ?? {};
  if (typeof count === "number" && (!Number.isInteger(count) || count < 1 || count > 5000)) {
    report(`${placed.path}/limit/count`, "A loop can run 1 to 5000 times.");
  }
  const isLiteral = typeof timeout === "string" && !timeout.includes("@");
  if (isLiteral && parseDurationMs(timeout) === undefined) {
    report(`${placed.path}/limit/timeout`, `'${timeout}' is not an ISO 8601 duration.`);
  }
}

function checkRuntime({ definition, report }: Inspection, placed: PlacedAction): void {
  const { action, path } = placed;
  const runtime = action.runtimeConfiguration;
  const repetitions = runtime?.concurrency?.repetitions;
  if (repetitions !== undefined && (repetitions < 1 || repetitions > 50)) {
    report(`${path}/runtimeConfiguration`, "A loop can run 1 to 50 iterations at once.");
  }
  if (repetitions !== undefined && hasOption(action, "Sequential")) {
    report(path, "'Sequential' and 'repetitions' cannot be combined.");
  }
  for (const part of runtime?.secureData?.properties ?? []) {
    if (part !== "inputs" && part !== "outputs") {
      report(`${path}/runtimeConfiguration/secureData`, `'${part}' is not 'inputs' or 'outputs'.`);
    }
  }
  const fixed = runtime?.staticResult?.name;
  if (fixed !== undefined && definition.staticResults?.[fixed] === undefined) {
    report(
      `${path}/runtimeConfiguration/staticResult`,
      `The static result '${fixed}' is not defined.`,
    );
  }
  const timeout = action.limit?.timeout;
  if (
    typeof timeout === "string" &&
    typeOf(placed) === "http" &&
    parseDurationMs(timeout) === undefined
  ) {
    report(`${path}/limit/timeout`, `'${timeout}' is not an ISO 8601 duration.`);
  }
}
