import type { ActionDefinition, Actions, WorkflowDefinition } from "../definition.ts";

export interface WorkflowProblem {
  /** Where in the definition, e.g. `actions/Try/actions/Send`. */
  readonly path: string;
  readonly message: string;
}

/** An action at its place: what stands around it and beside it. */
export interface PlacedAction {
  readonly name: string;
  readonly path: string;
  readonly action: ActionDefinition;
  readonly siblings: Actions;
  /** From the outermost. */
  readonly parents: readonly PlacedAction[];
}

export interface Inspection {
  readonly definition: WorkflowDefinition;
  readonly actions: readonly PlacedAction[];
  readonly byName: ReadonlyMap<string, PlacedAction>;
  readonly report: (path: string, message: string) => void;
}

export function isLoop(placed: PlacedAction): boolean {
  return ["foreach", "until"].includes(typeOf(placed));
}

export function typeOf(placed: PlacedAction): string {
  return placed.action.type.toLowerCase();
}
