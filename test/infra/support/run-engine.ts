import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import engineServices from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import providerMessages from "@pulumi/pulumi/proto/provider_pb.js";
import resourceServices from "@pulumi/pulumi/proto/resource_grpc_pb.js";
import resourceMessages, {
  type RegisterResourceOutputsRequest,
  type RegisterResourceRequest,
  type ResourceInvokeRequest,
  type SupportsFeatureRequest,
} from "@pulumi/pulumi/proto/resource_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import google from "google-protobuf/google/protobuf/struct_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { createLocalAzure } from "../../../local/deploy/local-azure.ts";
import { toPlain } from "../../../local/deploy/plain-value.ts";
import type { Properties } from "../../../local/deploy/run-program.ts";
import { createFakeCloud } from "../fake-cloud.ts";

import { runLanguage, type LanguageOptions } from "./run-language.ts";

/*
 * The program as Pulumi's engine sees it: the SDK's own language runner in a process of its own, and on
 * the other end of the wire a resource monitor of ours that answers as Azure would. What is asked for is
 * kept as it came, with the wire's marks of secrets.
 */

/** One registration, as it came over the wire. */
export interface WireResource {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly isComponent: boolean;
  readonly parent: string;
  readonly isProtected: boolean;
  readonly dependencies: readonly string[];
  /** Secrets still wrapped. */
  readonly wire: Properties;
  readonly inputs: Properties;
  readonly id: string;
}

export interface EngineRun {
  readonly exitCode: number;
  readonly resources: readonly WireResource[];
  /** The stack's outputs, secrets still wrapped. */
  readonly outputs: Properties;
  /** Keys that functions of Azure answered with. */
  readonly secrets: readonly string[];
  /** What the program told the engine, and what it printed. */
  readonly log: readonly string[];
}

export async function runEngine(options: LanguageOptions): Promise<EngineRun> {
  const monitor = new RecordingMonitor(options);
  const server = new Server();
  server.addService(resourceServices.ResourceMonitorService, monitor.resourceMonitor());
  server.addService(engineServices.EngineService, monitor.engine());
  const port = await listen(server);
  try {
    const { exitCode, printed } = await runLanguage(`127.0.0.1:${port}`, options);
    return {
      exitCode,
      resources: monitor.resources,
      outputs: monitor.outputs,
      secrets: monitor.secrets,
      log: [...monitor.log, ...printed],
    };
  } finally {
    server.forceShutdown();
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

type Unary<Request> = (
  call: ServerUnaryCall<Request, unknown>,
  answer: sendUnaryData<unknown>,
) => void;

class RecordingMonitor {
  readonly resources: WireResource[] = [];
  readonly log: string[] = [];
  readonly secrets: string[] = [];
  outputs: Properties = {};
  readonly #options: LanguageOptions;
  readonly #azure = createLocalAzure(createFakeCloud());
  #rootUrn = "";

  constructor(options: LanguageOptions) {
    this.#options = options;
  }

  resourceMonitor() {
    return {
      supportsFeature: unary((request: SupportsFeatureRequest) => {
        const response = new resourceMessages.SupportsFeatureResponse();
        response.setHassupport(FEATURES.has(request.getId()));
        return response;
      }),
      registerResource: unary((request: RegisterResourceRequest) => this.#register(request)),
      registerResourceOutputs: unary((request: RegisterResourceOutputsRequest) => {
        if (request.getUrn().includes("::pulumi:pulumi:Stack::")) {
          this.outputs = toObject(request.getOutputs());
        }
        return new empty.Empty();
      }),
      invoke: unary((request: ResourceInvokeRequest) => this.#invoke(request)),
      registerPackage: unary(() => {
        const response = new resourceMessages.RegisterPackageResponse();
        response.setRef("package");
        return response;
      }),
      signalAndWaitForShutdown: unary(() => new empty.Empty()),
    };
  }

  engine() {
    return {
      log: unary((request: LogRequest) => {
        // The SDK traces the wire for the engine's own debugging; people see the rest.
        if (request.getSeverity() !== engineMessages.LogSeverity.DEBUG) {
          this.log.push(request.getMessage());
        }
        return new empty.Empty();
      }),
      getRootResource: unary(() => {
        const response = new engineMessages.GetRootResourceResponse();
        response.setUrn(this.#rootUrn);
        return response;
      }),
      setRootResource: unary((request: { getUrn(): string }) => {
        this.#rootUrn = request.getUrn();
        return new engineMessages.SetRootResourceResponse();
      }),
    };
  }

  async #register(request: RegisterResourceRequest): Promise<unknown> {
    const wire = toObject(request.getObject());
    const { secretProperties, value } = toPlain(wire);
    const resource = {
      urn: this.#toUrn(request),
      type: request.getType(),
      name: request.getName(),
      isComponent: !request.getCustom(),
      parent: request.getParent(),
      isProtected: request.getProtect() ?? false,
      dependencies: request.getDependenciesList(),
      inputs: value as Properties,
    };
    const { id, state } =
      resource.isComponent || this.#options.isPreview
        ? { id: "", state: onlyKnown(resource.inputs) as Properties }
        : await this.#azure.onResource({ ...resource, secretInputs: secretProperties });
    this.resources.push({ ...resource, wire, id });
    const response = new resourceMessages.RegisterResourceResponse();
    response.setUrn(resource.urn);
    response.setId(id);
    response.setObject(
      google.Struct.fromJavaScript(state as Record<string, google.JavaScriptValue>),
    );
    return response;
  }

  async #invoke(request: ResourceInvokeRequest): Promise<unknown> {
    const inputs = toPlain(toObject(request.getArgs())).value as Properties;
    const answer = await this.#azure.onCall(request.getTok(), inputs);
    this.secrets.push(...keysIn(answer));
    const response = new providerMessages.InvokeResponse();
    response.setReturn(
      google.Struct.fromJavaScript(answer as Record<string, google.JavaScriptValue>),
    );
    return response;
  }

  /** As the engine forms them: the types of all parents, then the own. */
  #toUrn(request: RegisterResourceRequest): string {
    const [, , parentTypes = ""] = request.getParent().split("::");
    const isRoot = parentTypes === "" || parentTypes === "pulumi:pulumi:Stack";
    const types = isRoot ? request.getType() : `${parentTypes}$${request.getType()}`;
    return `urn:pulumi:${this.#options.stack}::causeway::${types}::${request.getName()}`;
  }
}

function keysIn(answer: Properties): readonly string[] {
  return Object.entries(answer).flatMap(([name, value]) =>
    typeof value === "string" && /^(key\d|(primary|secondary)Key)$/.test(name) ? [value] : [],
  );
}

const FEATURES: ReadonlySet<string> = new Set([
  "secrets",
  "resourceReferences",
  "outputValues",
  "aliasSpecs",
  "deletedWith",
]);

function unary<Request>(work: (request: Request) => unknown): Unary<Request> {
  return (call, answer) => {
    Promise.resolve(call.request)
      .then(work)
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(error instanceof Error ? error : new Error(String(error))),
      );
  };
}

/** What the wire says for a value that only Azure will decide: `sdk/nodejs/runtime/rpc.ts`. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

function onlyKnown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(onlyKnown);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => !JSON.stringify(member ?? null).includes(UNKNOWN))
      .map(([key, member]) => [key, onlyKnown(member)]),
  );
}

function toObject(struct: google.Struct | undefined): Properties {
  return struct?.toJavaScript() ?? {};
}
