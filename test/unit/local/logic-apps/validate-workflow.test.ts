import { describe, expect, it } from "@jest/globals";
import { validateWorkflow } from "../../../../local/logic-apps/validate-workflow.ts";

const base = {
  $schema:
    "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#",
  triggers: { manual: { type: "Request", kind: "Http" } },
};
const problemsOf = (actions: object, more: object = {}): readonly string[] =>
  validateWorkflow({ ...base, actions, ...more }).map(({ path, message }) => `${path}: ${message}`);
const compose = (inputs: unknown, runAfter: object = {}) => ({ type: "Compose", inputs, runAfter });

describe("validateWorkflow", () => {
  it("finds nothing wrong with a sound definition", () => {
    const actions = {
      Init: { type: "InitializeVariable", inputs: { variables: [{ name: "v", type: "integer" }] } },
      Loop: {
        type: "Until",
        runAfter: { Init: ["Succeeded"] },
        expression: "@equals(outputs('Inside'), 1)",
        actions: { Inside: compose("@iterationIndexes('Loop')") },
      },
      After: compose("@add(variables('V'), outputs('inside'))", {
        Loop: ["Succeeded", "TimedOut"],
      }),
    };
    expect(problemsOf(actions)).toEqual([]);
  });

  it.each([
    ["an unknown type", { A: { type: "Nope" } }, "actions/A: The action type 'Nope' is unknown."],
    [
      "a type that cannot run here",
      { A: { type: "Liquid" } },
      "actions/A: The action type 'Liquid' is not supported by the local runner.",
    ],
    [
      "runAfter of no sibling",
      { A: compose(1, { B: ["Succeeded"] }) },
      "actions/A/runAfter/B: 'B' is not an action beside 'A'.",
    ],
    [
      "an unknown status",
      { A: compose(1), B: compose(1, { A: ["Done"] }) },
      "actions/B/runAfter/A: 'Done' is not one of Succeeded, Failed, Skipped, TimedOut.",
    ],
    [
      "a misspelt function",
      { A: compose("@concta('a')") },
      "actions/A/inputs: The function 'concta' is unknown; did you mean 'concat'?",
    ],
    [
      "too few arguments",
      { A: compose("x @{replace('a')}") },
      "actions/A/inputs: The template function 'replace' expects 3 parameter(s) but was given 1.",
    ],
    [
      "broken syntax",
      { A: compose({ deep: ["@add(1,"] }) },
      "actions/A/inputs/deep/0: Unable to parse template language expression: expected a value or a function but found the end at position 7.",
    ],
    [
      "an unknown action",
      { A: compose("@body('B')") },
      "actions/A/inputs: The action 'B' does not exist.",
    ],
    [
      "an action that may not have ended",
      { A: compose(1), B: compose("@outputs('A')") },
      "actions/B/inputs: The action 'A' has not surely ended here: it is not on the 'runAfter' path.",
    ],
    [
      "an unknown parameter",
      { A: compose("@parameters('p')") },
      "actions/A/inputs: The parameter 'p' is not declared.",
    ],
    [
      "an unknown variable",
      { A: compose("@variables('v')") },
      "actions/A/inputs: The variable 'v' is not initialized.",
    ],
    [
      "items of a loop elsewhere",
      { A: compose("@items('Loop')") },
      "actions/A/inputs: 'Loop' is not a loop around this place.",
    ],
    [
      "a status code that callers cannot get",
      { A: { type: "Response", inputs: { statusCode: 302 } } },
      "actions/A/inputs/statusCode: A Response can have the status codes 2xx, 4xx and 5xx, not 302.",
    ],
    [
      "an Http without uri",
      { A: { type: "Http", inputs: { method: "GET" } } },
      "actions/A/inputs: 'uri' is missing.",
    ],
  ])("finds %s", (_what, actions, problem) => {
    expect(problemsOf(actions)).toEqual([problem]);
  });

  it("finds a cycle", () => {
    expect(
      problemsOf({ A: compose(1, { B: ["Succeeded"] }), B: compose(1, { A: ["Succeeded"] }) }),
    ).toEqual(["actions/A/runAfter: The actions wait for each other: A → B → A."]);
  });

  it("finds what may not stand inside a loop, and names used twice", () => {
    const actions = {
      A: compose(1),
      Loop: {
        type: "Foreach",
        foreach: "@createArray(1)",
        actions: { R: { type: "Response", inputs: { statusCode: 200 } }, A: compose(2) },
      },
    };
    expect(problemsOf(actions)).toEqual([
      "actions/Loop/actions/R: Response cannot stand inside a loop.",
      "actions/Loop/actions/A: Another action is named 'A'.",
    ]);
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ ...base, actions: { A: 1 } }],
    [{ ...base, actions: { A: {} } }],
  ])("finds that %j is no definition", (definition) => {
    expect(validateWorkflow(definition)).not.toEqual([]);
  });
});
