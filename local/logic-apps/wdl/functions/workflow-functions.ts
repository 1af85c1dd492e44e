import { readContent, toText } from "../content.ts";
import type { EvaluationContext, FunctionTable, WdlFunction } from "../context.ts";
import { WorkflowExpressionError, argumentError } from "../expression-error.ts";
import { type WdlValue, findKey, isArray, isObject, memberOf } from "../values.ts";
import { integerArgument, stringArgument } from "./arguments.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#workflow-functions */
export const workflowFunctions: FunctionTable = {
  action: {
    min: 0,
    max: 0,
    call: (_args, context) => present(context.action, "action()", "no action"),
  },
  actions: reader("actions", (action) => action),
  actionBody: reader("actionBody", (action) => memberOf(memberOf(action, "outputs"), "body")),
  actionOutputs: reader("actionOutputs", (action) => memberOf(action, "outputs")),
  body: reader("body", (action) => memberOf(memberOf(action, "outputs"), "body")),
  outputs: reader("outputs", (action) => memberOf(action, "outputs")),
  formDataValue: {
    min: 2,
    max: 2,
    call: (args, context) =>
      oneValue("formDataValue", bodyOf("formDataValue", args, context), args, 1),
  },
  formDataMultiValues: {
    min: 2,
    max: 2,
    call: (args, context) =>
      formValues("formDataMultiValues", bodyOf("formDataMultiValues", args, context), args, 1),
  },
  multipartBody: {
    min: 2,
    max: 2,
    call: (args, context) =>
      multipart("multipartBody", bodyOf("multipartBody", args, context), args, 1),
  },
  item: { min: 0, max: 0, call: (_args, context) => present(context.item, "item()", "no loop") },
  items: { min: 1, max: 1, call: (args, context) => lookup("items", "loop", context.items, args) },
  iterationIndexes: {
    min: 1,
    max: 1,
    call: (args, context) => lookup("iterationIndexes", "loop", context.iterationIndexes, args),
  },
  listCallbackUrl: {
    min: 0,
    max: 0,
    call: (_args, context) =>
      present(context.callbackUrl, "listCallbackUrl()", "no callback address"),
  },
  parameters: {
    min: 1,
    max: 1,
    call: (args, context) => lookup("parameters", "workflow parameter", context.parameters, args),
  },
  result: {
    min: 1,
    max: 1,
    call: (args, context) => lookup("result", "scope", context.result, args),
  },
  trigger: { min: 0, max: 0, call: (_args, context) => triggerOf(context) },
  triggerBody: { min: 0, max: 0, call: (_args, context) => triggerBody(context) },
  triggerOutputs: {
    min: 0,
    max: 0,
    call: (_args, context) => memberOf(triggerOf(context), "outputs"),
  },
  triggerFormDataValue: {
    min: 1,
    max: 1,
    call: (args, context) => oneValue("triggerFormDataValue", triggerBody(context), args, 0),
  },
  triggerFormDataMultiValues: {
    min: 1,
    max: 1,
    call: (args, context) =>
      formValues("triggerFormDataMultiValues", triggerBody(context), args, 0),
  },
  triggerMultipartBody: {
    min: 1,
    max: 1,
    call: (args, context) => multipart("triggerMultipartBody", triggerBody(context), args, 0),
  },
  variables: {
    min: 1,
    max: 1,
    call: (args, context) => lookup("variables", "variable", context.variables, args),
  },
  workflow: {
    min: 0,
    max: 0,
    call: (_args, context) => present(context.workflow, "workflow()", "no workflow"),
  },
};

/** Outside data enters here: it is JSON by contract. */
function fromOutside(value: unknown): WdlValue {
  return value === undefined ? null : (value as WdlValue);
}

function present(value: unknown, name: string, absent: string): WdlValue {
  if (value === undefined) {
    throw new WorkflowExpressionError(
      "REFERENCE",
      `'${name}' cannot be used here: there is ${absent}.`,
    );
  }
  return fromOutside(value);
}

function lookup(
  name: string,
  what: string,
  values: Readonly<Record<string, unknown>> | undefined,
  args: readonly WdlValue[],
): WdlValue {
  const wanted = stringArgument(name, args, 0);
  const key = values === undefined ? undefined : findKey(values, wanted);
  if (values === undefined || key === undefined) {
    const known = Object.keys(values ?? {}).join(", ");
    throw new WorkflowExpressionError(
      "REFERENCE",
      `The template ${what} '${wanted}' is not found. Known: ${known === "" ? "none" : known}.`,
    );
  }
  return fromOutside(values[key]);
}

function reader(name: string, read: (action: WdlValue) => WdlValue): WdlFunction {
  return {
    min: 1,
    max: 1,
    call: (args, context) => read(findAction(name, args, context)),
  };
}

function findAction(name: string, args: readonly WdlValue[], context: EvaluationContext): WdlValue {
  const found = context.actionOf?.(stringArgument(name, args, 0));
  return found === undefined ? lookup(name, "action", context.actions, args) : fromOutside(found);
}

function triggerOf(context: EvaluationContext): WdlValue {
  return present(context.trigger, "trigger()", "no trigger");
}

function triggerBody(context: EvaluationContext): WdlValue {
  return memberOf(memberOf(triggerOf(context), "outputs"), "body");
}

function bodyOf(name: string, args: readonly WdlValue[], context: EvaluationContext): WdlValue {
  const action = findAction(name, args, context);
  return memberOf(memberOf(action, "outputs"), "body");
}

function formValues(
  name: string,
  body: WdlValue,
  args: readonly WdlValue[],
  at: number,
): readonly string[] {
  const key = stringArgument(name, args, at);
  const text =
    readContent(body)?.bytes.toString("utf8") ?? (typeof body === "string" ? body : undefined);
  if (text === undefined) throw argumentError(name, "expects a form-data or form-encoded body.");
  return new URLSearchParams(text).getAll(key);
}

function oneValue(name: string, body: WdlValue, args: readonly WdlValue[], at: number): WdlValue {
  const values = formValues(name, body, args, at);
  if (values.length > 1) {
    throw argumentError(name, "found more than one value; use the function for multiple values.");
  }
  return values[0] ?? null;
}

/** A part of a `$multipart` body, or of raw multipart content. */
function multipart(name: string, body: WdlValue, args: readonly WdlValue[], at: number): WdlValue {
  const index = integerArgument(name, args, at);
  const parts = isObject(body) ? memberOf(body, "$multipart") : null;
  const list = isArray(parts) ? parts : splitMultipart(body);
  const part = list?.[index];
  if (part === undefined) throw argumentError(name, `found no part ${index} in the body.`);
  return isObject(part) && findKey(part, "body") !== undefined ? memberOf(part, "body") : part;
}

function splitMultipart(body: WdlValue): readonly WdlValue[] | undefined {
  const content = readContent(body);
  const boundary = /boundary="?([^";]+)"?/i.exec(content?.contentType ?? "")?.[1];
  if (content === undefined || boundary === undefined) return undefined;
  const sections = toText(content.bytes.toString("latin1")).split(`--${boundary}`).slice(1, -1);
  return sections.map((section) => {
    const [head = "", ...rest] = section.replace(/^\r?\n/, "").split(/\r?\n\r?\n/);
    const type = /^content-type:\s*(.+)$/im.exec(head)?.[1]?.trim() ?? "text/plain";
    const bytes = Buffer.from(rest.join("\r\n\r\n").replace(/\r?\n$/, ""), "latin1");
    return { "$content-type": type, $content: bytes.toString("base64") };
  });
}
