import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { LocalServices } from "../cloud.ts";
import { type WorkflowAccessControl, checkPolicies, policiesOf } from "./host/access-policy.ts";
import { toErrorAnswer } from "./host/http-answer.ts";
import { type HostedWorkflow, invokeTrigger } from "./host/invoke-trigger.ts";
import { type RunStore, type RunningRecord, createRunStore } from "./host/run-store.ts";
import type { WorkflowDefinition } from "./definition.ts";
import { omit } from "./omit.ts";
import { toParameters } from "./run-parameters.ts";
import type { WorkflowHttp } from "./run-ports.ts";
import type { RunRecord } from "./run-record.ts";
import { validateWorkflow } from "./validate-workflow.ts";

/** A workflow as Pulumi's `logic.Workflow` describes it. */
export interface WorkflowDeployment {
  /** ARM id. */
  readonly id: string;
  readonly name: string;
  readonly definition: unknown;
  readonly parameters?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly identity?: WorkflowIdentity;
  readonly accessControl?: WorkflowAccessControl;
  readonly state?: string;
}

interface WorkflowIdentity {
  readonly type?: string;
  /** A list of ARM ids, or an object whose keys are them. */
  readonly userAssignedIdentities?: readonly string[] | Readonly<Record<string, unknown>>;
}

export interface WorkflowHost {
  readonly app: Hono;
  /** Throws when Azure would refuse the workflow. The path stays the same for an ARM id. */
  deploy(workflow: WorkflowDeployment): {
    readonly accessEndpointPath: string;
    /** The trigger's address with its signature: the only way in where no access policy is set. */
    readonly callbackPath: string;
  };
  /** As the portal's Disable and Enable; a deployment decides anew. Throws when there is no such workflow. */
  setEnabled(name: string, isEnabled: boolean): void;
  readonly names: () => readonly string[];
  /** The latest runs of a workflow by its name, newest first; secured inputs and outputs are left out. */
  runs(name: string): readonly (RunRecord | RunningRecord)[];
}

export interface WorkflowHostOptions {
  readonly services: LocalServices;
  readonly http: WorkflowHttp;
  readonly getToken: (identityResourceId: string | undefined, audience: string) => Promise<string>;
  readonly log: (line: string) => void;
  /** What diagnostic settings send to a workspace: told once a run has ended. */
  readonly onRunEnd?: (workflow: string, record: RunRecord) => void;
}

interface Deployed extends HostedWorkflow {
  readonly key: string;
  readonly signature: string;
  readonly accessControl: WorkflowAccessControl | undefined;
}

/** Consumption Logic Apps: deployed definitions, called over HTTP, with their run histories. */
export function createWorkflowHost(options: WorkflowHostOptions): WorkflowHost {
  const workflows = new Map<string, Deployed>();
  const app = new Hono();
  const notFound = (key: string): Response =>
    toErrorAnswer(404, "WorkflowNotFound", `The workflow '${key}' could not be found.`);

  app.all("/workflows/:key/triggers/:trigger/paths/invoke", async (c) => {
    const { key, trigger } = c.req.param();
    const workflow = workflows.get(key);
    if (workflow === undefined) return notFound(key);
    if (c.req.query("api-version") === undefined) {
      return toErrorAnswer(
        400,
        "MissingApiVersionParameter",
        "The api-version query parameter (?api-version=) is required for all requests.",
      );
    }
    const refusal = await checkCaller(options.services, workflow, trigger, c.req.raw);
    return refusal ?? invokeTrigger(options, workflow, trigger, c.req.raw);
  });
  addHistoryRoutes(app, (key) => workflows.get(key)?.store, notFound);

  return {
    app,
    deploy: (deployment) => {
      const key = createHash("sha256")
        .update(deployment.id.toLowerCase())
        .digest("hex")
        .slice(0, 32);
      const store = workflows.get(key)?.store ?? createRunStore();
      const workflow = toDeployed(options, deployment, key, store);
      workflows.set(key, workflow);
      const trigger = Object.keys(workflow.definition.triggers ?? {})[0] ?? "manual";
      const accessEndpointPath = `/workflows/${key}`;
      return {
        accessEndpointPath,
        callbackPath: `${accessEndpointPath}/triggers/${trigger}/paths/invoke?api-version=2016-10-01&sp=${encodeURIComponent(`/triggers/${trigger}/run`)}&sv=1.0&sig=${workflow.signature}`,
      };
    },
    setEnabled: (name, isEnabled) => {
      const named = [...workflows].filter(([, workflow]) => workflow.name === name);
      if (named.length === 0) throw new Error(`There is no workflow '${name}'.`);
      for (const [key, workflow] of named) workflows.set(key, { ...workflow, isEnabled });
    },
    names: () => [...workflows.values()].map(({ name }) => name),
    runs: (name) =>
      [...workflows.values()].find((workflow) => workflow.name === name)?.store.list() ?? [],
  };
}

function toDeployed(
  options: WorkflowHostOptions,
  deployment: WorkflowDeployment,
  key: string,
  store: RunStore,
): Deployed {
  const problems = validateWorkflow(deployment.definition);
  if (problems.length > 0) {
    const list = problems.map(({ path, message }) => `${path}: ${message}`).join("\n  ");
    throw new Error(`The workflow '${deployment.name}' cannot be deployed:\n  ${list}`);
  }
  const definition = deployment.definition as WorkflowDefinition;
  const parameters = deployment.parameters ?? {};
  toParameters(definition, parameters);
  return {
    id: deployment.id,
    name: deployment.name,
    key,
    definition,
    parameters,
    isEnabled: (deployment.state ?? "Enabled").toLowerCase() === "enabled",
    store,
    accessControl: deployment.accessControl,
    signature: createHmac("sha256", "local-workflow-signature").update(key).digest("base64url"),
    getToken: (identityResourceId, audience) => {
      checkIdentity(deployment, identityResourceId);
      return options.getToken(identityResourceId, audience);
    },
  };
}

/** A workflow may only use the identities that it was given. */
function checkIdentity(deployment: WorkflowDeployment, wanted: string | undefined): void {
  const { type = "None", userAssignedIdentities = [] } = deployment.identity ?? {};
  if (wanted === undefined) {
    if (/SystemAssigned/i.test(type)) return;
    throw new Error(`the workflow '${deployment.name}' has no system-assigned identity`);
  }
  const ids = Array.isArray(userAssignedIdentities)
    ? (userAssignedIdentities as readonly string[])
    : Object.keys(userAssignedIdentities);
  if (ids.some((id) => id.toLowerCase() === wanted.toLowerCase())) return;
  throw new Error(`the identity '${wanted}' is not assigned to the workflow '${deployment.name}'`);
}

/** By token where access policies are set, else by the signature of the callback address. */
async function checkCaller(
  services: LocalServices,
  workflow: Deployed,
  trigger: string,
  request: Request,
): Promise<Response | undefined> {
  const policies = policiesOf(workflow.accessControl);
  const signature = new URL(request.url).searchParams.get("sig");
  if (policies.length === 0) {
    if (signature !== null && isEqual(signature, workflow.signature)) return undefined;
    return toErrorAnswer(
      401,
      "DirectApiAuthorizationRequired",
      `The request for the trigger '${trigger}' must be authenticated only by Shared Access scheme.`,
    );
  }
  if (signature !== null) {
    return toErrorAnswer(
      401,
      "AuthorizationFailed",
      "The workflow takes tokens only, no shared access signature.",
    );
  }
  const refusal = await checkPolicies(
    services.tokens,
    policies,
    request.headers.get("authorization") ?? undefined,
  );
  return refusal === undefined ? undefined : toErrorAnswer(401, refusal.code, refusal.message);
}

function isEqual(left: string, right: string): boolean {
  return left.length === right.length && timingSafeEqual(Buffer.from(left), Buffer.from(right));
}

/** What ARM shows of runs, without ARM in front of it. */
function addHistoryRoutes(
  app: Hono,
  storeOf: (key: string) => RunStore | undefined,
  notFound: (key: string) => Response,
): void {
  app.get("/workflows/:key/runs", (c) => {
    const store = storeOf(c.req.param("key"));
    return store === undefined
      ? notFound(c.req.param("key"))
      : c.json({ value: store.list().map(toSummary) });
  });
  app.get("/workflows/:key/runs/:run", (c) => {
    const run = storeOf(c.req.param("key"))?.find(c.req.param("run"));
    return run === undefined ? runNotFound(c.req.param("run")) : c.json(toSummary(run));
  });
  app.get("/workflows/:key/runs/:run/actions", (c) => {
    const run = storeOf(c.req.param("key"))?.find(c.req.param("run"));
    if (run === undefined) return runNotFound(c.req.param("run"));
    const actions = "actions" in run ? Object.values(run.actions) : [];
    return c.json({ value: actions.map(({ name, ...properties }) => ({ name, properties })) });
  });
}

function runNotFound(name: string): Response {
  return toErrorAnswer(
    404,
    "WorkflowRunNotFound",
    `The workflow run '${name}' could not be found.`,
  );
}

function toSummary(run: RunRecord | RunningRecord): Record<string, unknown> {
  if (!("actions" in run)) {
    const { name, ...properties } = run;
    return { name, type: "Microsoft.Logic/workflows/runs", properties };
  }
  const { id, name } = run;
  return {
    id,
    name,
    type: "Microsoft.Logic/workflows/runs",
    properties: omit(run, "actions", "id", "name"),
  };
}
