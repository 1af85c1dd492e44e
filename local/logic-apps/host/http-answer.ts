import { toWireBody } from "../actions/http-content.ts";
import type { WorkflowResponse } from "../run-record.ts";
import type { WdlValue } from "../wdl/values.ts";

/** What a Response action said, as an HTTP response. */
export function toHttpAnswer(
  answer: WorkflowResponse,
  headers: Readonly<Record<string, string>>,
): Response {
  const wire = toWireBody(answer.body as WdlValue | undefined);
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(answer.headers)) all.set(name, value);
  if (wire !== undefined && !all.has("content-type")) all.set("content-type", wire.contentType);
  const isBodyless = answer.statusCode === 204 || answer.statusCode === 205;
  const body =
    wire === undefined || isBodyless
      ? null
      : typeof wire.body === "string"
        ? wire.body
        : Buffer.from(wire.body);
  return new Response(body, { status: answer.statusCode, headers: all });
}

/** Azure's error body. */
export function toErrorAnswer(
  status: number,
  code: string,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json({ error: { code, message } }, { status, headers });
}
