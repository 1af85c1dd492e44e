import { randomUUID } from "node:crypto";
import type { LocalServices } from "../../cloud.ts";
import { ActionFailure } from "../action-call.ts";
import { compileSchema } from "../actions/data-actions.ts";
import { readBody } from "../actions/http-content.ts";
import { evaluateConditionWith } from "../actions/condition.ts";
import {
  type TriggerDefinition,
  type WorkflowDefinition,
  branchesOf,
  hasOption,
} from "../definition.ts";
import type { WorkflowHttp } from "../run-ports.ts";
import type { RunRecord, WorkflowResponse } from "../run-record.ts";
import { createRunName, runWorkflow, type WorkflowRunOptions } from "../run-workflow.ts";
import { evaluateTemplate } from "../wdl/evaluate-expression.ts";
import { WorkflowExpressionError } from "../wdl/expression-error.ts";
import { readJson } from "../wdl/json-text.ts";
import { type WdlValue, isArray, toPlain } from "../wdl/values.ts";
import { toErrorAnswer, toHttpAnswer } from "./http-answer.ts";
import type { RunStore } from "./run-store.ts";

export interface HostedWorkflow {
  readonly id: string;
  readonly name: string;
  readonly definition: WorkflowDefinition;
  readonly parameters: Readonly<Record<string, { readonly value: unknown }>>;
  readonly getToken: NonNullable<WorkflowRunOptions["getToken"]>;
  readonly isEnabled: boolean;
  readonly store: RunStore;
}

export interface InvokeOptions {
  readonly services: LocalServices;
  readonly http: WorkflowHttp;
  readonly log: (line: string) => void;
  readonly onRunEnd?: (workflow: string, record: RunRecord) => void;
}

/** https://learn.microsoft.com/azure/logic-apps/logic-apps-limits-and-configuration: inbound requests wait 120 s. */
const responseTimeoutMs = 120_000;

/** Starts a run for a request that was let in, and gives the answer that its caller gets. */
export async function invokeTrigger(
  options: InvokeOptions,
  workflow: HostedWorkflow,
  triggerName: string,
  request: Request,
): Promise<Response> {
  const trigger = workflow.definition.triggers?.[triggerName];
  if (trigger?.type.toLowerCase() !== "request") {
    return toErrorAnswer(
      404,
      "TriggerNotFound",
      `The workflow '${workflow.name}' has no trigger '${triggerName}' that takes requests.`,
    );
  }
  if (!workflow.isEnabled) {
    return toErrorAnswer(
      404,
      "WorkflowTriggerIsNotEnabled",
      `Could not execute workflow '${workflow.name}' trigger '${triggerName}' with state 'Disabled': trigger is not enabled.`,
    );
  }
  const wanted = (trigger.inputs?.method ?? "POST").toUpperCase();
  if (request.method !== wanted) {
    return toErrorAnswer(
      405,
      "MethodNotAllowed",
      `The trigger '${triggerName}' takes ${wanted} requests only.`,
    );
  }
  const outputs = await readOutputs(request);
  if (outputs instanceof Response) return outputs;
  const mismatch = schemaMismatch(triggerName, trigger, outputs.body);
  if (mismatch !== undefined) return toErrorAnswer(400, "TriggerInputSchemaMismatch", mismatch);
  return startRuns(options, workflow, trigger, { name: triggerName, outputs });
}

interface TriggerOutputs {
  readonly headers: Readonly<Record<string, string>>;
  readonly queries: Readonly<Record<string, string>>;
  readonly body?: WdlValue;
}

/** The caller's token stays out of the run. */
async function readOutputs(request: Request): Promise<TriggerOutputs | Response> {
  const headers = Object.fromEntries(
    [...request.headers].filter(([name]) => name !== "authorization"),
  );
  const queries = Object.fromEntries(new URL(request.url).searchParams);
  const bytes = new Uint8Array(await request.arrayBuffer());
  const type = headers["content-type"];
  if (bytes.length === 0) return { headers, queries };
  if (type !== undefined && !/\bjson\b/i.test(type)) {
    const body = readBody(bytes, type);
    return { headers, queries, ...(body === undefined ? {} : { body }) };
  }
  try {
    return { headers, queries, body: readJson(Buffer.from(bytes).toString("utf8")) };
  } catch (error) {
    if (!(error instanceof WorkflowExpressionError)) throw error;
    return toErrorAnswer(
      400,
      "InvalidRequestContent",
      `The request content is not valid and could not be deserialized: '${error.message}'.`,
    );
  }
}

/** As in Azure, the schema only describes the body unless the trigger asks for its validation. */
function schemaMismatch(
  name: string,
  trigger: TriggerDefinition,
  body: WdlValue | undefined,
): string | undefined {
  const schema = trigger.inputs?.schema;
  if (schema === undefined || !hasOption(trigger, "EnableSchemaValidation")) return undefined;
  const validate = compileSchema(schema);
  if (validate(toPlain(body ?? null))) return undefined;
  const problems = (validate.errors ?? []).map((error) =>
    `${error.instancePath} ${error.message ?? ""}`.trim(),
  );
  return `The input body for trigger '${name}' of type 'Request' did not match its schema definition. Error details: '${problems.join("; ")}'.`;
}

interface TriggerEvent {
  readonly name: string;
  readonly outputs: TriggerOutputs;
}

async function startRuns(
  options: InvokeOptions,
  workflow: HostedWorkflow,
  trigger: TriggerDefinition,
  event: TriggerEvent,
): Promise<Response> {
  try {
    if (!areConditionsMet(workflow, trigger, event)) return accepted({});
    const { splitOn } = trigger;
    if (splitOn === undefined) return await startRun(options, workflow, event);
    const items = evaluateTrigger(workflow, event, splitOn);
    if (!isArray(items))
      throw new ActionFailure("InvalidTemplate", "The result of 'splitOn' must be an array.");
    for (const item of items) {
      void startRun(options, workflow, { ...event, outputs: { ...event.outputs, body: item } });
    }
    return accepted({});
  } catch (error) {
    if (!(error instanceof WorkflowExpressionError) && !(error instanceof ActionFailure))
      throw error;
    return toErrorAnswer(400, "InvalidTemplate", error.message);
  }
}

function evaluateTrigger(
  workflow: HostedWorkflow,
  event: TriggerEvent,
  template: unknown,
): WdlValue {
  const parameters = Object.fromEntries(
    Object.entries(workflow.parameters).map(([name, parameter]) => [name, parameter.value]),
  );
  return evaluateTemplate(template as WdlValue, { parameters, trigger: event });
}

function areConditionsMet(
  workflow: HostedWorkflow,
  trigger: TriggerDefinition,
  event: TriggerEvent,
): boolean {
  return (trigger.conditions ?? []).every((condition) =>
    evaluateConditionWith(
      (template) => evaluateTrigger(workflow, event, template),
      condition.expression,
    ),
  );
}

/** Runs in the background; resolves with what the caller gets, which is often before the run's end. */
async function startRun(
  options: InvokeOptions,
  workflow: HostedWorkflow,
  event: TriggerEvent,
): Promise<Response> {
  const { clock } = options.services;
  const runName = createRunName(clock.now());
  const headers = answerHeaders(workflow, event, runName);
  const hasResponse = holdsResponse(workflow.definition.actions ?? {});
  workflow.store.begin(runName, new Date(clock.now()).toISOString());
  return new Promise((resolve) => {
    const timer = clock.setTimer(
      () => resolve(noAnswer(504, "GatewayTimeout", headers)),
      responseTimeoutMs,
    );
    const answer = (response: Response): void => {
      timer.cancel();
      resolve(response);
    };
    if (!hasResponse || hasSplit(workflow, event)) answer(accepted(headers));
    runToEnd(options, workflow, event, runName, (response) =>
      answer(toHttpAnswer(response, headers)),
    ).then(
      () => answer(noAnswer(502, "NoResponse", headers)),
      (error: unknown) => {
        const problem = error instanceof Error ? error.message : String(error);
        options.log(`LOGIC ${workflow.name} could not run: ${problem}`);
        workflow.store.drop(runName);
        answer(toErrorAnswer(500, "InternalServerError", problem, headers));
      },
    );
  });
}

function hasSplit(workflow: HostedWorkflow, event: TriggerEvent): boolean {
  return workflow.definition.triggers?.[event.name]?.splitOn !== undefined;
}

async function runToEnd(
  options: InvokeOptions,
  workflow: HostedWorkflow,
  event: TriggerEvent,
  runName: string,
  onResponse: (response: WorkflowResponse) => void,
): Promise<void> {
  const startedAt = options.services.clock.now();
  const { id, name } = workflow;
  const record = await runWorkflow(workflow.definition, {
    trigger: { name: event.name, outputs: { ...event.outputs } },
    parameters: workflow.parameters,
    http: options.http,
    getToken: workflow.getToken,
    clock: options.services.clock,
    workflow: { id, name },
    runName,
    onResponse,
  });
  workflow.store.end(record);
  options.onRunEnd?.(name, record);
  const answered = record.response === undefined ? "" : ` ${record.response.statusCode}`;
  options.log(
    `LOGIC ${name}${answered} ${record.status} (${options.services.clock.now() - startedAt} ms)`,
  );
}

function answerHeaders(
  workflow: HostedWorkflow,
  event: TriggerEvent,
  runName: string,
): Readonly<Record<string, string>> {
  return {
    "x-ms-workflow-run-id": runName,
    "x-ms-workflow-name": workflow.name,
    "x-ms-correlation-id": randomUUID(),
    "x-ms-client-tracking-id": event.outputs.headers["x-ms-client-tracking-id"] ?? runName,
    "x-ms-trigger-history-name": runName,
  };
}

function accepted(headers: Readonly<Record<string, string>>): Response {
  return new Response(null, { status: 202, headers });
}

function noAnswer(
  status: number,
  code: string,
  headers: Readonly<Record<string, string>>,
): Response {
  const id = headers["x-ms-correlation-id"] ?? "";
  const message = `The server did not receive a response from an upstream server. Request tracking id '${id}'.`;
  return toErrorAnswer(status, code, message, headers);
}

function holdsResponse(actions: NonNullable<WorkflowDefinition["actions"]>): boolean {
  return Object.values(actions).some(
    (action) =>
      action.type.toLowerCase() === "response" ||
      branchesOf(action).some((branch) => holdsResponse(branch.actions)),
  );
}
