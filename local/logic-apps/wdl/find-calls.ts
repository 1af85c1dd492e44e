import { WorkflowExpressionError } from "./expression-error.ts";
import { type Expression, parseTemplate } from "./parse-expression.ts";

export interface FoundCall {
  readonly name: string;
  readonly argumentCount: number;
  /** The first argument where it is a string written in place. */
  readonly firstText: string | undefined;
}

/** Every function call in the strings of a value; strings that are no valid template hold none. */
export function findCalls(value: unknown): readonly FoundCall[] {
  const calls: FoundCall[] = [];
  visitTexts(value, "", (text) => {
    try {
      calls.push(...callsOf(text));
    } catch (error) {
      if (!(error instanceof WorkflowExpressionError)) throw error;
    }
  });
  return calls;
}

/** The calls of one template; throws WorkflowExpressionError when it is none. */
export function callsOf(text: string): readonly FoundCall[] {
  const template = parseTemplate(text);
  const calls: FoundCall[] = [];
  if (template.kind === "expression") collect(template.expression, calls);
  if (template.kind === "interpolation") {
    for (const part of template.parts) if (typeof part !== "string") collect(part, calls);
  }
  return calls;
}

/** Visits every string of a value, keys included, with its path. */
export function visitTexts(
  value: unknown,
  path: string,
  visit: (text: string, path: string) => void,
): void {
  if (typeof value === "string") visit(value, path);
  else if (Array.isArray(value)) {
    value.forEach((item, index) => visitTexts(item, `${path}/${index}`, visit));
  } else if (typeof value === "object" && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      visit(key, `${path}/${key}`);
      visitTexts(member, `${path}/${key}`, visit);
    }
  }
}

function collect(expression: Expression, calls: FoundCall[]): void {
  if (expression.kind === "member") {
    collect(expression.target, calls);
    collect(expression.key, calls);
  } else if (expression.kind === "call") {
    const first = expression.args[0];
    calls.push({
      name: expression.name,
      argumentCount: expression.args.length,
      firstText:
        first?.kind === "literal" && typeof first.value === "string" ? first.value : undefined,
    });
    for (const arg of expression.args) collect(arg, calls);
  }
}
