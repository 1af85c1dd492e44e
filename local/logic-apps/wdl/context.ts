import type { WdlValue } from "./values.ts";

/** What an expression can see. Every part may be left out; a function that needs a missing one fails. */
export interface EvaluationContext {
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** The trigger's object: `{name, inputs, outputs: {headers, body, …}, …}`. */
  readonly trigger?: unknown;
  /** Action objects by name. */
  readonly actions?: Readonly<Record<string, unknown>>;
  /** One of `actions` by its exact name, where that is cheaper to find than all of them. */
  readonly actionOf?: (name: string) => unknown;
  /** The item of the innermost loop, or of a data operation. */
  readonly item?: unknown;
  /** Items by the name of their loop. */
  readonly items?: Readonly<Record<string, unknown>>;
  readonly iterationIndexes?: Readonly<Record<string, unknown>>;
  /** What `result('<scope>')` answers, by scope. */
  readonly result?: Readonly<Record<string, unknown>>;
  readonly workflow?: unknown;
  /** The present as an ISO time; up to seven digits of a second are kept. Absent = the system's clock. */
  readonly now?: string;
  /** The action that is being evaluated, for `action()`. */
  readonly action?: unknown;
  /** What `listCallbackUrl()` answers. */
  readonly callbackUrl?: string | undefined;
}

export interface WdlFunction {
  readonly min: number;
  readonly max: number;
  readonly call: (args: readonly WdlValue[], context: EvaluationContext) => WdlValue;
}

/** Decides itself which of its arguments are evaluated. */
export interface LazyWdlFunction {
  readonly min: number;
  readonly max: number;
  readonly lazy: true;
  readonly call: (args: readonly (() => WdlValue)[]) => WdlValue;
}

export type FunctionTable = Readonly<Record<string, WdlFunction>>;
export type LazyFunctionTable = Readonly<Record<string, LazyWdlFunction>>;

export const unlimited = Number.POSITIVE_INFINITY;
