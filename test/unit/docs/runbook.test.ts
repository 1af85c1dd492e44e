import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import ts from "typescript";
import { failureCodes } from "../../../functions/src/recovery/failure-codes.ts";

/*
 * What people can meet as a code, found in the sources: literal unions named …Code or …Rule, `code`,
 * `rule` and `skip` of objects, first words of `refuse(…)` and `fail(…)`, and what the workflows answer.
 */
interface Found {
  readonly codes: ReadonlySet<string>;
  readonly rules: ReadonlySet<string>;
}

const root = fileURLToPath(new URL("../../../", import.meta.url));
const codeShape = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
const refusers = new Set(["refuse", "fail"]);

function filesBelow(folder: string, extension: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name));
}

function scanSources(): Found {
  const codes = new Set<string>(failureCodes);
  const rules = new Set<string>();
  for (const file of [...filesBelow("functions/src", ".ts"), ...filesBelow("cli", ".ts")]) {
    const text = readFileSync(file, "utf8");
    const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2023, true);
    const visit = (node: ts.Node): void => {
      const found = readNode(node);
      for (const literal of found.literals) {
        if (codeShape.test(literal)) (found.isRule ? rules : codes).add(literal);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  for (const file of filesBelow("logicapps", "workflow.json")) {
    const quoted = readFileSync(file, "utf8").matchAll(/['"]((?:CRM|MAIL|WORKFLOW)_[A-Z_]+)['"]/g);
    for (const [, code = ""] of quoted) codes.add(code);
  }
  return { codes, rules };
}

function readNode(node: ts.Node): {
  readonly literals: readonly string[];
  readonly isRule: boolean;
} {
  if (ts.isTypeAliasDeclaration(node) && /(Code|Rule)$/.test(node.name.text)) {
    return { literals: literalsOfType(node.type), isRule: node.name.text.endsWith("Rule") };
  }
  const isNamed = ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node);
  if (isNamed && ts.isIdentifier(node.name) && node.initializer !== undefined) {
    const name = node.name.text;
    if (name === "code") return { literals: literalsOf(node.initializer), isRule: false };
    if (name === "rule" || name === "skip") {
      return { literals: literalsOf(node.initializer), isRule: true };
    }
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
    const called = node.expression.text;
    if (refusers.has(called))
      return { literals: node.arguments.flatMap(literalsOf), isRule: false };
    if (called === "toSkipped")
      return { literals: node.arguments.flatMap(literalsOf), isRule: true };
  }
  return { literals: [], isRule: false };
}

function literalsOfType(type: ts.TypeNode | undefined): readonly string[] {
  if (type === undefined) return [];
  if (ts.isUnionTypeNode(type)) return type.types.flatMap(literalsOfType);
  return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [];
}

/** Every text that the expression can be; what is computed otherwise is left out. */
function literalsOf(expression: ts.Expression): readonly string[] {
  if (ts.isStringLiteralLike(expression)) return [expression.text];
  if (
    ts.isParenthesizedExpression(expression) ||
    ts.isAsExpression(expression) ||
    ts.isSatisfiesExpression(expression)
  ) {
    return literalsOf(expression.expression);
  }
  if (ts.isConditionalExpression(expression)) {
    return [...literalsOf(expression.whenTrue), ...literalsOf(expression.whenFalse)];
  }
  if (
    ts.isBinaryExpression(expression) &&
    expression.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken
  ) {
    return [...literalsOf(expression.left), ...literalsOf(expression.right)];
  }
  return ts.isTemplateExpression(expression) ? literalsOfTemplate(expression) : [];
}

/** `${prefix}_FAILED` for each prefix that the parameter may be, and the word before `WORD ${id}`. */
function literalsOfTemplate(template: ts.TemplateExpression): readonly string[] {
  const [span, second] = template.templateSpans;
  if (span === undefined || second !== undefined) return [];
  if (template.head.text !== "") return [template.head.text.trim()];
  if (!ts.isIdentifier(span.expression)) return [];
  const name = span.expression.text;
  let scope: ts.Node = template;
  while (!ts.isFunctionLike(scope) && !ts.isSourceFile(scope)) scope = scope.parent;
  if (!ts.isFunctionLike(scope)) return [];
  const parameter = scope.parameters.find((each) => each.name.getText() === name);
  return literalsOfType(parameter?.type).map((prefix) => `${prefix}${span.literal.text}`);
}

interface Section {
  readonly title: string;
  readonly lines: readonly string[];
}

function readRunbook(): {
  readonly sections: readonly Section[];
  readonly rules: readonly string[];
} {
  const [, ...parts] = readFileSync(join(root, "docs/runbook.md"), "utf8").split(/^### /m);
  // Alerts are `####` in a chapter of their own; test/infra/monitoring.test.ts holds them.
  const sections = parts.map((part) => {
    const [title = "", ...rest] = part.split("\n");
    const end = rest.findIndex((line) => line.startsWith("#"));
    const lines = end === -1 ? rest : rest.slice(0, end);
    return { title: title.trim(), lines: lines.filter((line) => line.trim() !== "") };
  });
  const [, table = ""] = readFileSync(join(root, "docs/runbook.md"), "utf8").split("## Skip rules");
  const rules = [...(table.split(/^## /m)[0] ?? "").matchAll(/^\| `([A-Z_]+)/gm)];
  return { sections, rules: rules.map(([, rule = ""]) => rule) };
}

function sorted(names: Iterable<string>): readonly string[] {
  return [...names].sort((left, right) => left.localeCompare(right, "en"));
}

describe("the runbook", () => {
  const found = scanSources();
  const runbook = readRunbook();

  it("is held against codes of every kind of place", () => {
    expect([...found.codes]).toEqual(
      expect.arrayContaining([
        "CE_ROW_CLOSED", // the failure catalogue
        "CONNECTION_REFUSED", // a union
        "MAIL_NOT_CONFIGURED", // an outcome
        "SOURCE_NOT_FOUND", // an outcome beside a condition
        "CRM_WORKFLOW_REFUSED", // a template with a prefix
        "WRONG_CONTENT_TYPE", // the door's refusal
        "CRM_TOKEN_REFUSED", // a workflow
        "LOCAL_NOT_RUNNING", // the command line
      ]),
    );
    expect([...found.rules]).toEqual(
      expect.arrayContaining(["TOO_OLD", "DRY_RUN", "NO_RECIPIENT", "DUPLICATE_OF"]),
    );
  });

  it("has one section for every code, and none for a code that is gone", () => {
    expect(sorted(runbook.sections.map(({ title }) => title))).toEqual(sorted(found.codes));
  });

  it("has one row for every skip rule, and none for a rule that is gone", () => {
    expect(sorted(runbook.rules)).toEqual(sorted(found.rules));
  });

  it("says in each section what it means, how to check, what to do and what not to do", () => {
    const labels = ["**Means**", "**Check**", "**Do**", "**Do not**"];
    const incomplete = runbook.sections.filter(
      ({ lines }) => !labels.every((label) => lines.some((line) => line.includes(label))),
    );
    expect(incomplete.map(({ title }) => title)).toEqual([]);
  });
});
