/**
 * Runs a Pulumi program inside this process, without the CLI and without an engine: a monitor of our
 * own stands where the SDK expects the engine's.
 *
 * A run is running → settled (outputs), or running → failing → failed. The first thing that goes wrong
 * makes it failing: from then on nothing new is made, work under way is waited for, and the run rejects
 * with that first error. The SDK is never told: of a refused registration it makes dozens of unhandled
 * rejections and a stack that never settles, so whatever failed simply stays unanswered.
 */
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";
import { deserializeProperties } from "@pulumi/pulumi/runtime/rpc.js";
import * as runtimeSettings from "@pulumi/pulumi/runtime/settings.js";
import type {
  RegisterResourceOutputsRequest,
  RegisterResourceRequest,
} from "@pulumi/pulumi/proto/resource_pb.js";
import { catchRejections } from "./catch-rejections.ts";
import { toPlain } from "./plain-value.ts";
import { withOwnState } from "./sdk-state.ts";

export type Properties = Readonly<Record<string, unknown>>;

/** A resource as the program asks for it; secrets are in clear in `inputs` and named in `secretInputs`. */
export interface RegisteredResource {
  readonly urn: string;
  /** e.g. `azure-native:servicebus:Queue` */
  readonly type: string;
  readonly name: string;
  readonly isComponent: boolean;
  readonly parent: string;
  readonly isProtected: boolean;
  /** URNs of everything that it waits for. */
  readonly dependencies: readonly string[];
  readonly inputs: Properties;
  /** Top-level inputs that hold a secret anywhere. */
  readonly secretInputs: readonly string[];
}

export interface DeployedResource extends RegisteredResource {
  readonly id: string;
  readonly state: Properties;
}

export interface ProgramOptions {
  readonly program: () => Promise<Record<string, unknown>>;
  readonly project?: string;
  readonly stack: string;
  /** `<namespace>:<key>` → text, objects as JSON. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  /** Makes the resource; every output that the program reads must be in `state`. */
  readonly onResource: (
    resource: RegisteredResource,
  ) => Promise<{ readonly id: string; readonly state: Properties }>;
  /** Answers a provider function such as `azure-native:servicebus:listQueueKeys`. */
  readonly onCall: (token: string, inputs: Properties) => Promise<Properties>;
}

export interface ProgramResult {
  readonly outputs: Properties;
  /** Stack outputs that hold a secret. */
  readonly secretOutputs: readonly string[];
  /** In the order in which they were finished. */
  readonly resources: readonly DeployedResource[];
}

// Not in the SDK's types: its language runner waits with it.
const { setMockOptions, waitForRPCs } = runtimeSettings as typeof runtimeSettings & {
  readonly waitForRPCs: () => Promise<void>;
};

/** Runs the program once; several runs in a process, even at the same time, do not see each other. */
export async function runProgram(options: ProgramOptions): Promise<ProgramResult> {
  return withOwnState(() => run(options));
}

async function run(options: ProgramOptions): Promise<ProgramResult> {
  const { project = "causeway", stack } = options;
  const monitor = new LocalMonitor(options);
  // Sets the feature flags; the monitor that it makes is replaced at once.
  await pulumi.runtime.setMocks(monitor.mocks, project, stack, false, ORGANIZATION);
  setMockOptions(monitor, project, stack, false, ORGANIZATION);
  pulumi.runtime.setAllConfig({ ...options.config }, [...options.secretKeys]);
  // Pending promises alone do not keep Node alive.
  const hold = setInterval(() => undefined, 2 ** 30);
  const restoreStacks = shortenStacks();
  const rejections = catchRejections((error) => monitor.fail(error));
  try {
    const outputs = await Promise.race([
      runToEnd(() => monitor.watch(options.program)),
      monitor.failed,
    ]);
    // An error inside an `apply` shows up nowhere else, and only now.
    await rejections.drain();
    if (monitor.firstError !== undefined) throw monitor.firstError;
    if (monitor.deployed.length === 0) throw new Error("The program registered no resource.");
    return {
      outputs,
      secretOutputs: monitor.secretOutputs,
      resources: monitor.deployed,
    };
  } catch (error) {
    monitor.fail(error);
    await monitor.idle();
    throw monitor.firstError ?? error;
  } finally {
    await rejections.drain();
    restoreStacks();
    clearInterval(hold);
  }
}

/** The stack's outputs are there before resources that they do not need; both are waited for. */
async function runToEnd(program: ProgramOptions["program"]): Promise<Properties> {
  const outputs: unknown = await pulumi.runtime.runInPulumiStack(program);
  await waitForRPCs();
  return (outputs ?? {}) as Properties;
}

/** The SDK renders a stack for each of some thousand promises, which is a third of a run, and half of one under jest. */
function shortenStacks(): () => void {
  const before = { hasSourceMaps: process.sourceMapsEnabled, limit: Error.stackTraceLimit };
  process.setSourceMapsEnabled(false);
  Error.stackTraceLimit = 0;
  return () => {
    process.setSourceMapsEnabled(before.hasSourceMaps);
    Error.stackTraceLimit = before.limit;
  };
}

type Callback = (error: unknown, response: unknown) => void;

class LocalMonitor extends MockMonitor {
  readonly deployed: DeployedResource[] = [];
  /** Rejects with the first error; never resolves. */
  readonly failed: Promise<never>;
  firstError: Error | undefined;
  secretOutputs: readonly string[] = [];
  readonly #options: ProgramOptions;
  readonly #underWay = new Set<Promise<unknown>>();
  #reject: (error: Error) => void = () => undefined;

  constructor(options: ProgramOptions) {
    super({
      newResource: () => {
        throw new Error("Resources are registered by registerResource.");
      },
      call: ({ token, inputs }) =>
        this.#track(() => options.onCall(token, toPlain(inputs as unknown).value as Properties)),
    });
    this.#options = options;
    this.failed = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // The race in `run` may be over when it rejects.
    this.failed.catch(() => undefined);
  }

  override async registerResource(
    request: RegisterResourceRequest,
    callback: Callback,
  ): Promise<void> {
    const resource = toRegistered(request);
    const made = await this.#track(() => this.#make(resource));
    // MockMonitor makes URNs, keeps states and words the answer; only the making is ours.
    const inner = new MockMonitor({ newResource: () => made, call: () => ({}) });
    await inner.registerResource(request, callback);
    for (const [urn, state] of inner.resources) this.resources.set(urn, state);
  }

  override registerResourceOutputs(
    request: RegisterResourceOutputsRequest,
    callback: Callback,
  ): void {
    const struct = request.getOutputs();
    if (struct !== undefined && request.getUrn().includes(`::${STACK_TYPE}::`)) {
      const outputs = toPlain(deserializeProperties(struct));
      this.secretOutputs = outputs.secretProperties;
    }
    super.registerResourceOutputs(request, callback);
  }

  /** An error of the program itself ends the run like one of a resource. */
  watch<T>(program: () => Promise<T>): Promise<T> {
    return this.#track(program);
  }

  fail(error: unknown): void {
    this.firstError ??= toError(error);
    this.#reject(this.firstError);
  }

  /** Resolves when nothing is being made any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  async #make(resource: RegisteredResource): Promise<{ id: string; state: Properties }> {
    if (resource.isComponent) return { id: "", state: {} };
    const made = await this.#options.onResource(resource);
    this.deployed.push({ ...resource, ...made });
    return made;
  }

  /** Does the work, or never settles: not when it fails, nor when something failed before. */
  async #track<T>(work: () => Promise<T>): Promise<T> {
    if (this.firstError !== undefined) return new Promise<never>(() => undefined);
    // Not called bare: it may throw before it returns a promise.
    const promise = Promise.resolve().then(work);
    this.#underWay.add(promise);
    try {
      return await promise;
    } catch (error) {
      this.fail(error);
      return await new Promise<never>(() => undefined);
    } finally {
      this.#underWay.delete(promise);
    }
  }
}

/** What Pulumi says of stacks that belong to no organization. */
const ORGANIZATION = "organization";
const STACK_TYPE = "pulumi:pulumi:Stack";

function toRegistered(request: RegisterResourceRequest): RegisteredResource {
  const struct = request.getObject();
  const inputs = toPlain(struct === undefined ? {} : deserializeProperties(struct));
  return {
    urn: toUrn(request),
    type: request.getType(),
    name: request.getName(),
    isComponent: !request.getCustom(),
    parent: request.getParent(),
    isProtected: request.getProtect() ?? false,
    dependencies: request.getDependenciesList(),
    inputs: inputs.value as Properties,
    secretInputs: inputs.secretProperties,
  };
}

/** As MockMonitor does it, because dependencies name these. */
function toUrn(request: RegisterResourceRequest): string {
  const parentType = request.getParent().split("::")[2]?.split("$").pop();
  const type = parentType === undefined ? request.getType() : `${parentType}$${request.getType()}`;
  return `urn:pulumi:${pulumi.getStack()}::${pulumi.getProject()}::${type}::${request.getName()}`;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
