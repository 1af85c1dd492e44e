/**
 * The workflow definition language, schema 2016-06-01, as far as the runner looks at it. `validateWorkflow`
 * says whether unknown data has this shape.
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-definition-language
 */
export interface WorkflowDefinition {
  readonly $schema?: string;
  readonly contentVersion?: string;
  readonly parameters?: Readonly<Record<string, ParameterDefinition>>;
  readonly triggers?: Readonly<Record<string, TriggerDefinition>>;
  readonly actions?: Actions;
  readonly outputs?: Readonly<Record<string, { readonly type?: string; readonly value: unknown }>>;
  readonly staticResults?: Readonly<Record<string, StaticResult>>;
}

interface ParameterDefinition {
  readonly type: string;
  readonly defaultValue?: unknown;
  readonly allowedValues?: readonly unknown[];
}

export interface TriggerDefinition {
  readonly type: string;
  readonly kind?: string;
  readonly inputs?: { readonly schema?: object; readonly method?: string };
  readonly conditions?: readonly { readonly expression: unknown }[];
  readonly splitOn?: string;
  readonly correlation?: { readonly clientTrackingId?: string };
  readonly operationOptions?: string;
  readonly runtimeConfiguration?: RuntimeConfiguration;
}

export type Actions = Readonly<Record<string, ActionDefinition>>;

export interface ActionDefinition {
  readonly type: string;
  readonly kind?: string;
  readonly inputs?: unknown;
  readonly runAfter?: Readonly<Record<string, readonly string[]>>;
  readonly actions?: Actions;
  readonly else?: { readonly actions?: Actions };
  readonly cases?: Readonly<Record<string, { readonly case: unknown; readonly actions?: Actions }>>;
  readonly default?: { readonly actions?: Actions };
  readonly expression?: unknown;
  readonly foreach?: unknown;
  readonly limit?: { readonly count?: unknown; readonly timeout?: unknown };
  readonly operationOptions?: string;
  readonly runtimeConfiguration?: RuntimeConfiguration;
  readonly trackedProperties?: Readonly<Record<string, unknown>>;
}

interface RuntimeConfiguration {
  readonly concurrency?: { readonly repetitions?: number; readonly runs?: number };
  readonly secureData?: { readonly properties?: readonly string[] };
  readonly staticResult?: { readonly name?: string; readonly staticResultOptions?: string };
}

interface StaticResult {
  readonly status: string;
  readonly code?: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The branches in which an action holds further actions, each with its place in the definition. */
export function branchesOf(
  action: ActionDefinition,
): readonly { readonly path: string; readonly actions: Actions }[] {
  const branches: { path: string; actions: Actions }[] = [];
  const add = (path: string, actions: Actions | undefined): void => {
    if (actions !== undefined) branches.push({ path, actions });
  };
  add("actions", action.actions);
  add("else/actions", action.else?.actions);
  for (const [name, branch] of Object.entries(action.cases ?? {})) {
    add(`cases/${name}/actions`, branch.actions);
  }
  add("default/actions", action.default?.actions);
  return branches;
}

export function hasOption(holder: { readonly operationOptions?: string }, option: string): boolean {
  const options = (holder.operationOptions ?? "")
    .split(",")
    .map((name) => name.trim().toLowerCase());
  return options.includes(option.toLowerCase());
}
