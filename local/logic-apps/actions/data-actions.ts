import { Ajv, type ValidateFunction } from "ajv";
import { type ActionCall, ActionFailure, type ActionHandler, evaluateIn } from "../action-call.ts";
import { omit } from "../omit.ts";
import { readContent, toText } from "../wdl/content.ts";
import { WorkflowExpressionError } from "../wdl/expression-error.ts";
import { readJson } from "../wdl/json-text.ts";
import {
  type WdlObject,
  type WdlValue,
  getMember,
  isArray,
  isObject,
  toPlain,
  typeName,
} from "../wdl/values.ts";

export const runCompose: ActionHandler = (call) => {
  const value = evaluateIn(call, call.action.inputs);
  call.inputs = value;
  return { status: "Succeeded", outputs: value };
};

export const runParseJson: ActionHandler = (call) => {
  const inputs = evaluateInputs(call);
  const content = memberOr(inputs, "content", null);
  const body =
    typeof content === "string" || readContent(content) !== undefined
      ? parseContent(content)
      : content;
  const validate = compileSchema(toPlain(memberOr(inputs, "schema", {})));
  if (!validate(toPlain(body))) {
    const problems = (validate.errors ?? []).map((error) =>
      `${error.instancePath} ${error.message ?? ""}`.trim(),
    );
    throw new ActionFailure(
      "SchemaValidationFailed",
      `The content does not fit its schema: ${problems.join("; ")}.`,
    );
  }
  return { status: "Succeeded", outputs: { body } };
};

function parseContent(content: WdlValue): WdlValue {
  try {
    return readJson(readContent(content)?.bytes.toString("utf8") ?? toText(content));
  } catch (error) {
    if (!(error instanceof WorkflowExpressionError)) throw error;
    throw new ActionFailure("InvalidJSON", error.message, { cause: error });
  }
}

/** By the schema's text: an action's inputs are new objects in every run, and compiling takes milliseconds. */
const validators = new Map<string, ValidateFunction>();
const maxValidators = 500;

const options = { strict: false, allErrors: true, validateFormats: false } as const;
/** Checks schemas; making the check takes longer than all that it is asked, so it is made once. */
const checker = new Ajv(options);

/** Draft-04 spellings that ajv does not know are let pass. */
export function compileSchema(schema: unknown): ValidateFunction {
  const key = JSON.stringify(schema ?? {});
  const known = validators.get(key);
  if (known !== undefined) return known;
  const parts = typeof schema === "object" && schema !== null ? schema : {};
  try {
    const bare = omit(parts as Record<string, unknown>, "$schema", "id");
    void checker.validateSchema(bare, true);
    const validate = new Ajv({ ...options, validateSchema: false }).compile(bare);
    if (validators.size >= maxValidators) validators.clear();
    validators.set(key, validate);
    return validate;
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new ActionFailure("InvalidSchema", `The schema is not valid: ${problem}`, {
      cause: error,
    });
  }
}

export const runQuery: ActionHandler = (call) => {
  const from = readFrom(call);
  const where = rawInput(call, "where");
  const body = from.filter((item) => {
    const isWanted = evaluateIn(call, where, item);
    if (typeof isWanted === "boolean") return isWanted;
    throw new ActionFailure(
      "InvalidTemplate",
      `The 'where' of '${call.name}' gave a value of type '${typeName(isWanted)}', not a boolean.`,
    );
  });
  return { status: "Succeeded", outputs: { body } };
};

export const runSelect: ActionHandler = (call) => {
  const select = rawInput(call, "select");
  const body = readFrom(call).map((item) => evaluateIn(call, select, item));
  return { status: "Succeeded", outputs: { body } };
};

export const runJoin: ActionHandler = (call) => {
  const from = readFrom(call);
  const joinWith = toText(evaluateIn(call, rawInput(call, "joinWith")));
  return { status: "Succeeded", outputs: { body: from.map(toText).join(joinWith) } };
};

export const runTable: ActionHandler = (call) => {
  const from = readFrom(call);
  const format = toText(evaluateIn(call, rawInput(call, "format"))).toLowerCase();
  const rows = tableRows(call, from);
  if (format === "csv") return { status: "Succeeded", outputs: { body: toCsv(rows) } };
  if (format === "html") return { status: "Succeeded", outputs: { body: toHtml(rows) } };
  throw new ActionFailure(
    "InvalidTemplate",
    `The table '${call.name}' has the format '${format}'; it can be CSV or HTML.`,
  );
};

interface TableRows {
  readonly headers: readonly string[];
  readonly cells: readonly (readonly string[])[];
}

function tableRows(call: ActionCall, from: readonly WdlValue[]): TableRows {
  const columns = rawInput(call, "columns");
  if (Array.isArray(columns)) {
    const defined = columns.map(
      (column) => column as { readonly header?: unknown; readonly value?: unknown },
    );
    return {
      headers: defined.map((column) => toText(evaluateIn(call, column.header))),
      cells: from.map((item) =>
        defined.map((column) => toText(evaluateIn(call, column.value, item))),
      ),
    };
  }
  const headers = isObject(from[0] ?? null) ? Object.keys(from[0] as WdlObject) : [];
  const cellOf = (item: WdlValue, header: string): string =>
    toText(isObject(item) ? (getMember(item, header) ?? null) : null);
  return { headers, cells: from.map((item) => headers.map((header) => cellOf(item, header))) };
}

function toCsv(rows: TableRows): string {
  const quote = (cell: string): string =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  return [rows.headers, ...rows.cells].map((row) => `${row.map(quote).join(",")}\r\n`).join("");
}

/** The runtime writes the cells as they are: escaping is up to the workflow. */
function toHtml(rows: TableRows): string {
  const head = `<thead><tr>${rows.headers.map((header) => `<th>${header}</th>`).join("")}</tr></thead>`;
  const body = rows.cells.map(
    (row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`,
  );
  return `<table>${head}<tbody>${body.join("")}</tbody></table>`;
}

/** The template of one input, not evaluated: it may be meant for every item. */
function rawInput(call: ActionCall, name: string): unknown {
  const inputs = call.action.inputs;
  return typeof inputs === "object" && inputs !== null
    ? (inputs as Record<string, unknown>)[name]
    : undefined;
}

function readFrom(call: ActionCall): readonly WdlValue[] {
  const from = evaluateIn(call, rawInput(call, "from"));
  call.inputs = { from };
  if (isArray(from)) return from;
  throw new ActionFailure(
    "BadRequest",
    `The 'from' property value in the '${call.action.type}' action inputs is of type '${typeName(from)}'. The value must be an array.`,
  );
}

export function evaluateInputs(call: ActionCall): WdlObject {
  const inputs = evaluateIn(call, call.action.inputs);
  call.inputs = inputs;
  if (isObject(inputs)) return inputs;
  throw new ActionFailure("InvalidTemplate", `The inputs of '${call.name}' must be an object.`);
}

export function memberOr(object: WdlObject, name: string, otherwise: WdlValue): WdlValue {
  return getMember(object, name) ?? otherwise;
}
