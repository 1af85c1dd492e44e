import { readContent, toContent, toText } from "../wdl/content.ts";
import { readJson, writeJson } from "../wdl/json-text.ts";
import { type WdlObject, type WdlValue, buildObject, isArray, isObject } from "../wdl/values.ts";
import type { WorkflowHttpResponse } from "../run-ports.ts";

export interface WireBody {
  readonly body: string | Uint8Array;
  /** What the content is when the action's headers do not say. */
  readonly contentType: string;
}

/** A body as it goes over the wire; undefined when there is none. */
export function toWireBody(value: WdlValue | undefined): WireBody | undefined {
  if (value === undefined || value === null) return undefined;
  const content = readContent(value);
  if (content !== undefined) return { body: content.bytes, contentType: content.contentType };
  if (isObject(value) || isArray(value)) {
    return { body: writeJson(value), contentType: "application/json; charset=utf-8" };
  }
  return { body: toText(value), contentType: "text/plain; charset=utf-8" };
}

/** An answer as an action's outputs: JSON is parsed, text stays text, anything else becomes content. */
export function toHttpOutputs(response: WorkflowHttpResponse): WdlObject {
  const headers = response.headers ?? {};
  const body = readBody(response.body, headerOf(headers, "content-type"));
  return {
    statusCode: response.statusCode,
    headers: buildObject(Object.entries(headers)),
    ...(body === undefined ? {} : { body }),
  };
}

export function headerOf(
  headers: Readonly<Record<string, string>>,
  name: string,
): string | undefined {
  const key = Object.keys(headers).find((header) => header.toLowerCase() === name);
  return key === undefined ? undefined : headers[key];
}

/** Bytes and text are read by their content type; anything else was parsed by the port. */
export function readBody(body: unknown, contentType: string | undefined): WdlValue | undefined {
  if (body === undefined || body === null) return undefined;
  if (!(body instanceof Uint8Array) && typeof body !== "string") return body as WdlValue;
  if (body.length === 0) return undefined;
  const text = (): string => (typeof body === "string" ? body : Buffer.from(body).toString("utf8"));
  const type =
    contentType ?? (typeof body === "string" ? "application/json" : "application/octet-stream");
  if (/^(application|text)\/([\w.+-]+\+)?json\b/i.test(type)) {
    return readJsonOrText(text());
  }
  return /^text\//i.test(type) ? text() : toContent(type, body);
}

/** A body that only claims to be JSON stays text, so that a workflow can still show it. */
function readJsonOrText(text: string): WdlValue {
  try {
    return readJson(text);
  } catch {
    return text;
  }
}
