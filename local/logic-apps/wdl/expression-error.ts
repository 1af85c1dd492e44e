export type ExpressionErrorCode =
  | "SYNTAX" // the text is not an expression
  | "UNKNOWN_FUNCTION"
  | "ARGUMENT" // wrong number, type or value of arguments
  | "REFERENCE" // an action, parameter, variable, loop or property that is not there
  | "ARITHMETIC"; // division by zero, overflow

/** An expression that the workflow runtime refuses; the action that holds it fails with `InvalidTemplate`. */
export class WorkflowExpressionError extends Error {
  readonly code: ExpressionErrorCode;

  constructor(code: ExpressionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "WorkflowExpressionError";
    this.code = code;
  }
}

export function argumentError(functionName: string, problem: string): WorkflowExpressionError {
  return new WorkflowExpressionError(
    "ARGUMENT",
    `The template language function '${functionName}' ${problem}`,
  );
}
