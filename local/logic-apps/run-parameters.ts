import type { WorkflowDefinition } from "./definition.ts";
import { type WdlValue, buildObject } from "./wdl/values.ts";

/** The values of the declared parameters: those given, else their defaults. */
export function toParameters(
  definition: WorkflowDefinition,
  given: Readonly<Record<string, unknown>>,
): Readonly<Record<string, WdlValue>> {
  const declared = definition.parameters ?? {};
  const unknown = Object.keys(given).find((name) => declared[name] === undefined);
  if (unknown !== undefined) {
    throw new Error(`The workflow parameter '${unknown}' is not declared in the definition.`);
  }
  return buildObject(
    Object.entries(declared).map(([name, parameter]) => {
      const value = name in given ? unwrap(given[name]) : parameter.defaultValue;
      if (value === undefined) throw new Error(`The workflow parameter '${name}' has no value.`);
      checkType(name, parameter.type, value);
      return [name, value as WdlValue];
    }),
  );
}

/** ARM puts each value into `{value}`, sometimes with its type. */
function unwrap(given: unknown): unknown {
  if (typeof given !== "object" || given === null || !("value" in given)) return given;
  const isWrapper = Object.keys(given).every((key) => ["value", "type", "metadata"].includes(key));
  return isWrapper ? given.value : given;
}

function checkType(name: string, type: string, value: unknown): void {
  const checks: Record<string, (value: unknown) => boolean> = {
    string: (item) => typeof item === "string",
    securestring: (item) => typeof item === "string",
    int: (item) => Number.isInteger(item),
    float: (item) => typeof item === "number",
    bool: (item) => typeof item === "boolean",
    array: (item) => Array.isArray(item),
    object: (item) => typeof item === "object" && !Array.isArray(item),
    secureobject: (item) => typeof item === "object" && !Array.isArray(item),
  };
  const check = checks[type.toLowerCase()];
  if (check === undefined)
    throw new Error(`The workflow parameter '${name}' has the unknown type '${type}'.`);
  if (!check(value)) throw new Error(`The workflow parameter '${name}' must be of type '${type}'.`);
}
