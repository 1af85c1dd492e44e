import { describe, expect, it } from "@jest/globals";
import { evaluate, WorkflowExpressionError } from "../../../../local/logic-apps/evaluate.ts";

const context = {
  parameters: { flag: true, order: { Total: 1.5, lines: [null, 5] } },
  trigger: { outputs: { headers: { "X-Id": "7" }, body: { a: "x" } } },
  actions: {
    Get: { name: "Get", status: "Failed", outputs: { statusCode: 404, body: { id: 9 } } },
  },
  now: "2026-02-28T23:59:59.1234567Z",
};

const errorOf = (template: unknown): unknown => {
  try {
    return evaluate(template, context);
  } catch (error) {
    return error instanceof WorkflowExpressionError ? error.code : error;
  }
};

describe("evaluate", () => {
  it.each([
    ["plain text", "plain text"],
    ["a@b.example", "a@b.example"],
    ["@@{x}", "@{x}"],
    ["a @@{b} @{1}", "a @{b} 1"],
    ["@{concat('}', '''')}", "}'"],
    ["@ concat ( 'a' ,\n'b' ) ", "ab"],
    ["@{parameters('flag')}|@{null}|@{5.0}|@{json('[5.0,null]')}", "True||5|[5.0,null]"],
  ])("reads the template %j", (template, expected) => {
    expect(evaluate(template, context)).toBe(expected);
  });

  it("evaluates every string of an object, its keys too", () => {
    expect(evaluate({ "@{triggerBody()['a']}": ["@add(1, 1)", 3], b: null }, context)).toEqual({
      x: [2, 3],
      b: null,
    });
  });

  it.each([
    ["@triggerOutputs()['headers']['x-id']", "7"],
    ["@parameters('ORDER')?.total", 1.5],
    ["@parameters('order')?['missing']?['deeper']", null],
    ["@parameters('order').lines?[9]", null],
    ["@body('Get')?['id']", 9],
    ["@actions('get').status", "Failed"],
  ])("finds what %s names", (template, expected) => {
    expect(evaluate(template, context)).toBe(expected);
  });

  it.each([
    ["@parameters('order').missing", "REFERENCE"],
    ["@parameters('order').lines[2]", "REFERENCE"],
    ["@parameters('nothing')", "REFERENCE"],
    ["@body('Nothing')", "REFERENCE"],
    ["@item()", "REFERENCE"],
    ["@triggerBody()['a']['b']", "REFERENCE"],
    ["@concta('a')", "UNKNOWN_FUNCTION"],
    ["@toUpper()", "ARGUMENT"],
    ["@concat('a'", "SYNTAX"],
    ["@{concat('a')", "SYNTAX"],
    ["@concat('a') b", "SYNTAX"],
    ["@div(1, 0)", "ARITHMETIC"],
    ["@mul(9223372036854775807, 2)", "ARITHMETIC"],
    ["@greater(null, 5)", "ARGUMENT"],
    ["@int('1.5')", "ARGUMENT"],
    ["@json('{')", "ARGUMENT"],
    ["@take(createArray(1), -1)", "ARGUMENT"],
    ["@and(true, 'x')", "ARGUMENT"],
    ["@formatDateTime('2026-02-30')", "ARGUMENT"],
    ["@convertFromUtc('2026-01-01', 'Nowhere Standard Time')", "ARGUMENT"],
    ["@xpath(xml('<a>'), '/a')", "ARGUMENT"],
  ])("fails %s as %s", (template, code) => {
    expect(errorOf(template)).toBe(code);
  });

  it("keeps integers, floats and decimals apart", () => {
    expect(evaluate("@{div(7, 2)} @{div(7, 2.0)} @{add(9007199254740993, 1)}", {})).toBe(
      "3 3.5 9007199254740994",
    );
    expect(
      evaluate("@{add(decimal('0.10'), decimal('0.20'))} @{1e20} @{json('{\"a\":5.0}')}", {}),
    ).toBe('0.30 1E+20 {"a":5.0}');
  });

  it("evaluates only the arguments that decide", () => {
    expect(evaluate("@if(true, 'yes', div(1, 0))", {})).toBe("yes");
    expect(evaluate("@coalesce(null, 1, div(1, 0))", {})).toBe(1);
    expect(evaluate("@or(true, div(1, 0))", {})).toBe(true);
  });

  it("compares collections by value", () => {
    expect(evaluate("@union(json('[{\"a\":1},1]'), json('[1.0,{\"a\":1},2]'))", {})).toEqual([
      { a: 1 },
      1,
      2,
    ]);
    expect(evaluate("@contains(createArray(json('{\"a\":[1]}')), json('{\"a\":[1.0]}'))", {})).toBe(
      true,
    );
    expect(evaluate('@sort(json(\'[{"n":"b"},{"n":"A"}]\'), \'n\')', {})).toEqual([
      { n: "A" },
      { n: "b" },
    ]);
  });

  it.each([
    ["@lastIndexOf('a-b-a', 'A')", 4],
    ["@lastIndexOf('a-b-a', '')", 4],
    ["@lastIndexOf('', 'a')", -1],
    ["@lastIndexOf('', '')", 0],
    ["@contains(json('{\"Key\":1}'), 'key')", false],
    ["@float('1234567,8+')", 12345678],
    ["@float('10.000,333', 'de-DE')", 10000.333],
    ["@isFloat('10 000,5', 'fr-FR')", true],
    ["@json(null)", {}],
    ['@union(json(\'{"a":{"x":1},"b":1}\'), json(\'{"a":{"y":2}}\'))', { a: { y: 2 }, b: 1 }],
    ["@slice('Hello World', 30)", ""],
    ["@mod(-5, 2)", -1],
    ["@split('a_b', '')", ["a_b"]],
  ])("follows the documentation at the edges: %s", (template, expected) => {
    expect(evaluate(template, {})).toEqual(expected);
  });

  it("treats a member named __proto__ like any other", () => {
    const result = evaluate("@addProperty(json('{}'), '__proto__', 1)", {});
    expect(JSON.stringify(result)).toBe('{"__proto__":1}');
  });

  it.each([
    ["@addToTime('2026-01-31T08:00:00Z', 1, 'Month')", "2026-02-28T08:00:00.0000000Z"],
    ["@addSeconds('2026-01-01T00:00:00.0000001Z', 1)", "2026-01-01T00:00:01.0000001Z"],
    ["@getFutureTime(1, 'Day', 'yyyy-MM-dd')", "2026-03-01"],
    ["@utcNow('MM/dd HH:mm:ss.fffffff')", "02/28 23:59:59.1234567"],
    ["@formatDateTime('2026-03-15T10:00:00+02:00')", "2026-03-15T08:00:00.0000000Z"],
    ["@formatDateTime('15. März 2026', 'yyyy')", "ARGUMENT"],
    ["@parseDateTime('15. März 2026', 'de-DE')", "2026-03-15T00:00:00.0000000"],
    ["@convertFromUtc('2026-07-01T12:00:00Z', 'W. Europe Standard Time', 't')", "2:00 PM"],
    [
      "@convertToUtc('2026-10-25T02:30:00', 'W. Europe Standard Time')",
      "2026-10-25T01:30:00.0000000Z",
    ],
    ["@convertToUtc('2026-03-29T02:30:00', 'W. Europe Standard Time')", "ARGUMENT"],
    ["@dateDifference('2026-01-02T00:00:00Z', '2026-01-01T12:00:00.5Z')", "-11:59:59.5000000"],
  ])("counts time: %s", (template, expected) => {
    expect(errorOf(template)).toBe(expected);
  });

  it.each([
    ["@formatNumber(-1234.5, 'C2')", "-$1,234.50"],
    ["@formatNumber(1234.5, 'N2', 'de-DE')", "1.234,50"],
    ["@formatNumber(0.125, 'P1')", "12.5%"],
    ["@formatNumber(-5, '0.0;(0.0);none')", "(5.0)"],
    ["@formatNumber(1234567, '#,##0,K')", "1,235K"],
    ["@formatNumber(255, 'X4')", "00FF"],
    ["@formatNumber(2.5, '0')", "3"],
  ])("formats numbers: %s", (template, expected) => {
    expect(evaluate(template, {})).toBe(expected);
  });

  it.each([
    [
      "@json(xml('<a x=\"1\"><b/><b>t</b><c></c></a>'))",
      { a: { "@x": "1", b: [null, "t"], c: "" } },
    ],
    ["@xpath(xml('<a><b n=\"1\"/><b n=\"2\"/></a>'), '/a/b/@n')", ["1", "2"]],
    ["@xpath(xml('<a><b>2</b><b>3</b></a>'), 'sum(/a/b)')", 5],
    [
      '@{xml(json(\'{"a":{"@x":1,"b":[1,"<"],"c":null}}\'))}',
      '<a x="1"><b>1</b><b>&lt;</b><c /></a>',
    ],
  ])("reads and writes XML: %s", (template, expected) => {
    expect(evaluate(template, {})).toEqual(expected);
  });
});
