import type { LocalCloud } from "./local-cloud.ts";
import type { Properties, RegisteredResource } from "./run-program.ts";
import type { ResourceInputs } from "./resource-inputs.ts";

/** What a handler works with. */
export interface HandlerContext {
  readonly cloud: LocalCloud;
  readonly inputs: ResourceInputs;
  /** ARM id in the resource group that the inputs name. */
  readonly armId: (provider: string, ...segments: readonly string[]) => string;
}

export interface Made {
  readonly id: string;
  /** Outputs beyond the inputs and `name`. */
  readonly outputs?: Properties;
}

/** Makes one resource real. */
export type ResourceHandler = (
  resource: RegisteredResource,
  context: HandlerContext,
) => Made | Promise<Made>;

/** Answers one provider function. */
export type CallHandler = (inputs: Properties, cloud: LocalCloud) => Properties;

/** One Azure area: its resource types and functions. */
export interface Provider {
  readonly resources: Readonly<Record<string, ResourceHandler>>;
  readonly calls?: Readonly<Record<string, CallHandler>>;
}
