/**
 * The worker half of the Functions host: loads an unchanged `@azure/functions` v4 app and invokes its
 * functions in the order of the genuine Node worker.
 *
 * The library gets `@azure/functions-core` with `require` the first time that it registers something and
 * keeps the answer per copy of the library; so the loader is patched before the app is loaded, and a
 * process can hold one app only.
 */
import { randomUUID } from "node:crypto";
import Module from "node:module";
import { pathToFileURL } from "node:url";
import { findEntryFiles } from "./find-entry-files.ts";
import { FunctionsHostError } from "./functions-host-error.ts";
import type {
  RpcFunctionMetadata,
  RpcInvocationRequest,
  RpcInvocationResponse,
} from "./rpc-types.ts";

export interface FunctionApp {
  readonly functions: readonly RpcFunctionMetadata[];
  /** Runs one function; rejects with what it threw. */
  invoke(name: string, request: RpcInvocationRequest): Promise<RpcInvocationResponse>;
  /** Runs the app's own appTerminate hooks. */
  terminate(): Promise<void>;
}

type Callback = (...args: unknown[]) => unknown;
type HookName = "appStart" | "appTerminate" | "preInvocation" | "postInvocation" | "log";
type HookContext = Record<string, unknown>;
type LogHandler = (level: string, category: string, message: string) => void;
type InvocationState = "preInvocationHooks" | "invocation" | "postInvocationHooks";

interface InvocationModel {
  getArguments(): Promise<{ readonly context: unknown; readonly inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: Callback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<RpcInvocationResponse>;
}

interface ProgrammingModel {
  getInvocationModel(context: unknown): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

interface Registered {
  readonly metadata: RpcFunctionMetadata;
  readonly callback: Callback;
}

/** Everything an app may do to its worker; one object lives as long as the process. */
class WorkerCore {
  readonly registered = new Map<string, Registered>();
  readonly appHookData: HookContext = {};
  readonly #hooks = new Map<HookName, ((context: HookContext) => unknown)[]>();
  readonly log: LogHandler;
  model: ProgrammingModel | undefined;
  isStarted = false;

  constructor(log: LogHandler) {
    this.log = log;
  }

  register(metadata: RpcFunctionMetadata, callback: Callback): { dispose(): void } {
    if (this.isStarted) throw systemError("A function can only be registered during app startup.");
    if (this.registered.has(metadata.name)) {
      throw systemError(`A function with name "${metadata.name}" has already been registered.`);
    }
    this.registered.set(metadata.name, {
      metadata: { ...metadata, functionId: randomUUID() },
      callback,
    });
    return { dispose: () => void this.registered.delete(metadata.name) };
  }

  registerHook(name: string, hook: (context: HookContext) => unknown): { dispose(): void } {
    if (!isHookName(name)) throw systemError(`Unrecognized hook "${name}"`, new RangeError());
    const hooks = this.#hooks.get(name) ?? [];
    hooks.push(hook);
    this.#hooks.set(name, hooks);
    return { dispose: () => void hooks.splice(hooks.indexOf(hook), 1) };
  }

  async runHooks(name: HookName, context: HookContext): Promise<void> {
    for (const hook of this.#hooks.get(name) ?? []) await hook(context);
  }

  /** What `require("@azure/functions-core")` gives to the library. */
  toModule(): unknown {
    return {
      version: "3.12.0",
      hostVersion: "4.1040.300",
      Disposable: CoreDisposable,
      setProgrammingModel: (model: ProgrammingModel) => {
        this.model = model;
      },
      getProgrammingModel: () => this.model,
      registerFunction: this.register.bind(this),
      registerHook: this.registerHook.bind(this),
      log: this.log,
    };
  }
}

class CoreDisposable {
  readonly #onDispose: () => void;

  constructor(onDispose: () => void) {
    this.#onDispose = onDispose;
  }

  dispose(): void {
    this.#onDispose();
  }
}

export async function loadFunctionApp(appDir: string, log: LogHandler): Promise<FunctionApp> {
  const core = new WorkerCore(log);
  patchRequire(core.toModule());
  for (const file of findEntryFiles(appDir)) {
    try {
      await import(pathToFileURL(file).href);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new FunctionsHostError("APP_FAILED_TO_LOAD", `${file} did not load: ${reason}`, error);
    }
  }
  const model = core.model;
  if (model === undefined || core.registered.size === 0) {
    throw new FunctionsHostError("APP_FAILED_TO_LOAD", `${appDir} registers no function`);
  }
  await core.runHooks("appStart", {
    functionAppDirectory: appDir,
    hookData: {},
    appHookData: core.appHookData,
  });
  core.isStarted = true;
  const capabilities = await model.getCapabilities({ RawHttpBodyBytes: "true" });
  if (capabilities["HttpUri"] !== undefined) {
    throw new FunctionsHostError(
      "APP_FAILED_TO_LOAD",
      "enableHttpStream is not supported by the local Functions host; remove it from app.setup",
    );
  }
  return {
    functions: [...core.registered.values()].map(({ metadata }) => metadata),
    invoke: (name, request) => invoke(core, model, name, request),
    terminate: () => core.runHooks("appTerminate", { hookData: {}, appHookData: core.appHookData }),
  };
}

async function invoke(
  core: WorkerCore,
  model: ProgrammingModel,
  name: string,
  request: RpcInvocationRequest,
): Promise<RpcInvocationResponse> {
  const found = core.registered.get(name);
  if (found === undefined) {
    throw new FunctionsHostError("APP_NOT_FOUND", `The app has no function ${name}`);
  }
  const invocationId = randomUUID();
  const coreContext: Record<string, unknown> & { state: InvocationState | undefined } = {
    invocationId,
    request: {
      invocationId,
      functionId: found.metadata.functionId,
      inputData: request.inputs,
      triggerMetadata: request.triggerMetadata,
      traceContext: request.traceContext,
    },
    metadata: found.metadata,
    state: undefined,
    log: core.log,
  };
  const invocation = model.getInvocationModel(coreContext);
  const { context, inputs } = await invocation.getArguments();
  const shared = { hookData: {}, appHookData: core.appHookData, invocationContext: context };
  const before: HookContext = { ...shared, functionCallback: found.callback, inputs };
  coreContext.state = "preInvocationHooks";
  await core.runHooks("preInvocation", before);
  const after: HookContext = { ...shared, inputs: before["inputs"], result: null, error: null };
  coreContext.state = "invocation";
  try {
    after["result"] = await invocation.invokeFunction(
      context,
      before["inputs"] as unknown[],
      before["functionCallback"] as Callback,
    );
  } catch (error) {
    after["error"] = error;
  }
  coreContext.state = "postInvocationHooks";
  await core.runHooks("postInvocation", after);
  if (after["error"] !== null && after["error"] !== undefined) throw toError(after["error"]);
  return invocation.getResponse(context, after["result"]);
}

function patchRequire(coreModule: unknown): void {
  const loader = Module as unknown as {
    _load(request: string, parent: unknown, isMain: boolean): unknown;
  };
  const original = loader._load.bind(Module);
  loader._load = (request, parent, isMain) =>
    request === "@azure/functions-core" ? coreModule : original(request, parent, isMain);
}

function systemError(message: string, error: Error = new Error()): Error {
  error.message = message;
  return Object.assign(error, { isAzureFunctionsSystemError: true });
}

function isHookName(name: string): name is HookName {
  return ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"].includes(name);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
