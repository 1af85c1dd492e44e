import type { FunctionTable, LazyFunctionTable, LazyWdlFunction, WdlFunction } from "../context.ts";
import { collectionFunctions } from "./collection-functions.ts";
import { conversionFunctions } from "./conversion-functions.ts";
import { dateFunctions } from "./date-functions.ts";
import { lazyFunctions, logicalFunctions } from "./logical-functions.ts";
import { mathFunctions } from "./math-functions.ts";
import { stringFunctions } from "./string-functions.ts";
import { uriFunctions } from "./uri-functions.ts";
import { workflowFunctions } from "./workflow-functions.ts";
import { xpathFunctions } from "./xpath-functions.ts";

const groups: readonly (FunctionTable | LazyFunctionTable)[] = [
  stringFunctions,
  collectionFunctions,
  logicalFunctions,
  lazyFunctions,
  conversionFunctions,
  mathFunctions,
  dateFunctions,
  uriFunctions,
  xpathFunctions,
  workflowFunctions,
];

interface NamedFunction {
  readonly name: string;
  readonly entry: WdlFunction | LazyWdlFunction;
}

const byLowerName: ReadonlyMap<string, NamedFunction> = new Map(
  groups.flatMap((group) =>
    Object.entries<WdlFunction | LazyWdlFunction>(group).map(
      ([name, entry]) => [name.toLowerCase(), { name, entry }] as const,
    ),
  ),
);

/** A function by its name in any case, with the name's documented spelling. */
export function findFunction(name: string): NamedFunction | undefined {
  return byLowerName.get(name.toLowerCase());
}

export function functionNames(): readonly string[] {
  return [...byLowerName.values()].map(({ name }) => name);
}
