import {
  type ActionCall,
  ActionFailure,
  type ActionHandler,
  type ActionResult,
} from "../action-call.ts";
import { evaluateInputs, memberOr } from "./data-actions.ts";
import { toText } from "../wdl/content.ts";
import { mathFunctions } from "../wdl/functions/math-functions.ts";
import {
  type WdlObject,
  type WdlValue,
  isArray,
  isInteger,
  isNumber,
  isObject,
  toDouble,
  toFloat,
  typeName,
} from "../wdl/values.ts";

/** Variables belong to the run, not to a loop: parallel iterations share them, as in Azure. */
export const runInitialize: ActionHandler = (call) => {
  const variables = memberOr(evaluateInputs(call), "variables", []);
  for (const variable of isArray(variables) ? variables : []) {
    if (isObject(variable)) initialize(call, variable);
  }
  return { status: "Succeeded" };
};

function initialize(call: ActionCall, variable: WdlObject): void {
  const name = toText(memberOr(variable, "name", ""));
  const type = toText(memberOr(variable, "type", "")).toLowerCase();
  if (call.run.variables.has(name)) {
    throw new ActionFailure("InvalidTemplate", `The variable '${name}' is already initialized.`);
  }
  const value = memberOr(variable, "value", null);
  call.run.variables.set(name, {
    type,
    value: value === null ? initialValue(type) : convert(name, type, value),
  });
}

function initialValue(type: string): WdlValue {
  const initial: Record<string, WdlValue> = {
    integer: 0,
    float: toFloat(0),
    boolean: false,
    string: "",
    array: [],
    object: {},
  };
  return initial[type] ?? null;
}

/** Keeps a variable's type: a float takes an integer, strings and arrays take null. */
function convert(name: string, type: string, value: WdlValue): WdlValue {
  switch (type) {
    case "integer":
      if (isInteger(value)) return value;
      break;
    case "float":
      if (isNumber(value)) return isInteger(value) ? toFloat(toDouble(value)) : value;
      break;
    case "boolean":
      if (typeof value === "boolean") return value;
      break;
    case "string":
      if (typeof value === "string" || value === null) return value;
      break;
    case "array":
      if (isArray(value) || value === null) return value;
      break;
    case "object":
      if (isObject(value) || value === null) return value;
      break;
    default:
      throw new ActionFailure(
        "InvalidTemplate",
        `The variable '${name}' has the unknown type '${type}'.`,
      );
  }
  throw new ActionFailure(
    "BadRequest",
    `The variable '${name}' of type '${type}' cannot hold a value of type '${typeName(value)}'.`,
  );
}

interface Target {
  readonly name: string;
  readonly type: string;
  readonly value: WdlValue;
  readonly input: WdlValue;
}

function readTarget(call: ActionCall): Target {
  const inputs = evaluateInputs(call);
  const name = toText(memberOr(inputs, "name", ""));
  const variable = call.run.variables.get(name);
  if (variable === undefined) {
    throw new ActionFailure("InvalidTemplate", `The variable '${name}' is not initialized.`);
  }
  return {
    name,
    type: variable.type,
    value: variable.value,
    input: memberOr(inputs, "value", null),
  };
}

function assign(call: ActionCall, target: Target, value: WdlValue): ActionResult {
  call.run.variables.set(target.name, { type: target.type, value });
  return {
    status: "Succeeded",
    outputs: { body: { name: target.name, type: target.type, value } },
  };
}

export const runSet: ActionHandler = (call) => {
  const target = readTarget(call);
  return assign(call, target, convert(target.name, target.type, target.input));
};

function step(functionName: "add" | "sub"): ActionHandler {
  return (call) => {
    const target = readTarget(call);
    const by = target.input === null ? 1 : target.input;
    const sum = mathFunctions[functionName]?.call([target.value, by], {}) ?? null;
    return assign(call, target, convert(target.name, target.type, sum));
  };
}

export const runIncrement: ActionHandler = step("add");
export const runDecrement: ActionHandler = step("sub");

export const runAppendToString: ActionHandler = (call) => {
  const target = readTarget(call);
  if (target.type !== "string") throw wrongType(call, target, "String");
  return assign(call, target, toText(target.value) + toText(target.input));
};

export const runAppendToArray: ActionHandler = (call) => {
  const target = readTarget(call);
  if (target.type !== "array") throw wrongType(call, target, "Array");
  return assign(call, target, [...(isArray(target.value) ? target.value : []), target.input]);
};

function wrongType(call: ActionCall, target: Target, wanted: string): ActionFailure {
  return new ActionFailure(
    "BadRequest",
    `The action '${call.name}' needs a variable of type '${wanted}'; '${target.name}' is of type '${target.type}'.`,
  );
}
