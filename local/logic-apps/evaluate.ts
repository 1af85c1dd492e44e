import type { EvaluationContext } from "./wdl/context.ts";
import { evaluateTemplate } from "./wdl/evaluate-expression.ts";
import { type WdlValue, toPlain } from "./wdl/values.ts";

export type { EvaluationContext } from "./wdl/context.ts";
export { WorkflowExpressionError } from "./wdl/expression-error.ts";

/**
 * What the workflow language makes of a template: a string (`@expression`, text with `@{…}`, `@@` for an `@`),
 * or an object or array whose strings are templates. The result is plain JSON data. Throws
 * WorkflowExpressionError where the runtime would fail the action.
 */
export function evaluate(template: unknown, context: EvaluationContext = {}): unknown {
  return toPlain(evaluateTemplate(template as WdlValue, context));
}
