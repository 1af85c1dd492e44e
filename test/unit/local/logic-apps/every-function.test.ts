import { describe, expect, it } from "@jest/globals";
import { evaluate, WorkflowExpressionError } from "../../../../local/logic-apps/evaluate.ts";
import {
  findFunction,
  functionNames,
} from "../../../../local/logic-apps/wdl/functions/function-table.ts";

/** Values of every kind, each with something that a careless function trips over. */
const values = [
  null,
  true,
  -1,
  0,
  3,
  2.5,
  1e300,
  "",
  "a",
  "-",
  "%E0%A4",
  "<a",
  "<a/>",
  "//a[",
  "2026-01-31",
  "99999-01-01",
  "Day",
  "Pacific Standard Time",
  "C2",
  "xx-invalid-locale",
  [],
  [1, "b", null],
  {},
  { a: { b: 1 } },
  { "$content-type": "text/xml", $content: "PGEvPg==" },
];
const parameters = Object.fromEntries(values.map((value, index) => [`p${index}`, value]));
const some = (count: number): readonly number[] =>
  Array.from({ length: count }, (_, index) => Math.floor((index * values.length) / count));

/** Every value as first argument, every third as second and third. */
const argumentLists = (count: number): readonly (readonly number[])[] => {
  if (count === 0) return [[]];
  const shorter = count === 1 ? [[]] : argumentLists(count - 1);
  const choices = some(count === 1 ? values.length : 9);
  return shorter.flatMap((list) => choices.map((choice) => [...list, choice]));
};

const problemOf = (template: string): string | undefined => {
  try {
    JSON.stringify(evaluate(template, { parameters }));
    return undefined;
  } catch (error) {
    return error instanceof WorkflowExpressionError ? undefined : `${template}: ${String(error)}`;
  }
};

describe("every function", () => {
  it.each(functionNames())("%s answers or fails as an expression, whatever it is given", (name) => {
    const { min, max } = findFunction(name)?.entry ?? { min: 0, max: 0 };
    const counts = [...new Set([min, Math.min(max, 3)])];
    const problems = counts.flatMap((count) =>
      argumentLists(count).flatMap((list) => {
        const args = list.map((index) => `parameters('p${index}')`).join(", ");
        return problemOf(`@${name}(${args})`) ?? [];
      }),
    );
    expect(problems).toEqual([]);
  });
});
