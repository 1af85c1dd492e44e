import { randomUUID } from "node:crypto";
import { badPayload, DataverseError, errorCodes } from "./dataverse-error.ts";
import { dispatch, handleRequest, toErrorResponse } from "./handle-request.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";

/**
 * `$batch`: operations run in order; a changeset is one transaction whose failure is one answer. The
 * batch stops at the first failure, and then has its status, unless the caller prefers to go on.
 * https://learn.microsoft.com/power-apps/developer/data-platform/webapi/execute-batch-operations-using-web-api
 */
const maxOperations = 1_000;

interface Operation {
  readonly contentId: string | undefined;
  readonly request: DataverseRequest;
}

type BatchItem =
  | { readonly kind: "single"; readonly operation: Operation }
  | { readonly kind: "changeset"; readonly operations: readonly Operation[] };

interface Answer {
  readonly contentId: string | undefined;
  readonly response: DataverseResponse;
}

export function handleBatch(
  organization: Organization,
  request: DataverseRequest,
): DataverseResponse {
  let items: readonly BatchItem[];
  try {
    items = parseBatch(request);
  } catch (error) {
    return toErrorResponse(error);
  }
  const goesOn = /odata\.continue-on-error/.test(request.headers.get("prefer") ?? "");
  const parts: string[] = [];
  const boundary = `batchresponse_${randomUUID()}`;
  let status = 200;
  for (const item of items) {
    const answers = run(organization, item);
    parts.push(writeItem(item, answers));
    const failed = answers.find(({ response }) => response.status >= 400);
    if (failed === undefined || goesOn) continue;
    status = failed.response.status;
    break;
  }
  return {
    status,
    headers: { "content-type": `multipart/mixed; boundary=${boundary}`, "odata-version": "4.0" },
    body: `${parts.map((part) => `--${boundary}\r\n${part}`).join("")}--${boundary}--\r\n`,
  };
}

/** Operations in a batch, for the limits; 0 when it cannot be read. */
export function countOperations(request: DataverseRequest): number {
  return request.body.split("\r\nContent-Type: application/http").length - 1;
}

function run(organization: Organization, item: BatchItem): readonly Answer[] {
  if (item.kind === "single") {
    const { operation } = item;
    const response = handleRequest(organization, operation.request);
    return [{ contentId: operation.contentId, response }];
  }
  const contentIds = new Map<string, string>();
  const answers: Answer[] = [];
  let current: Operation | undefined;
  try {
    organization.database.transaction(() => {
      for (const operation of item.operations) {
        current = operation;
        const response = dispatch(organization, operation.request, contentIds);
        const entityId = response.headers["odata-entityid"];
        if (operation.contentId !== undefined && entityId !== undefined) {
          contentIds.set(`$${operation.contentId}`, entityId);
        }
        answers.push({ contentId: operation.contentId, response });
      }
    });
    return answers;
  } catch (error) {
    // The whole set is undone and answers once, for the operation that failed.
    return [{ contentId: current?.contentId, response: toErrorResponse(error) }];
  }
}

function parseBatch(request: DataverseRequest): readonly BatchItem[] {
  const boundary = readBoundary(request.headers.get("content-type") ?? "");
  const items = splitParts(request.body, boundary).map((part) => parseItem(part, request));
  const count = items.reduce(
    (sum, item) => sum + (item.kind === "single" ? 1 : item.operations.length),
    0,
  );
  if (count > maxOperations) {
    throw new DataverseError(
      400,
      errorCodes.batchTooLarge,
      `The number of operations in the batch (${count}) exceeds the maximum of ${maxOperations}.`,
    );
  }
  return items;
}

function parseItem(part: string, outer: DataverseRequest): BatchItem {
  const { headers, body } = splitHeaders(part);
  const type = headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/mixed")) {
    return { kind: "single", operation: parseOperation(headers, body, outer) };
  }
  const operations = splitParts(`\r\n${body}`, readBoundary(type)).map((inner) => {
    const { headers: innerHeaders, body: innerBody } = splitHeaders(inner);
    const operation = parseOperation(innerHeaders, innerBody, outer);
    if (operation.request.method === "GET") {
      throw malformed("GET requests are not allowed within change sets.");
    }
    return operation;
  });
  return { kind: "changeset", operations };
}

function parseOperation(
  headers: ReadonlyMap<string, string>,
  body: string,
  outer: DataverseRequest,
): Operation {
  if (headers.get("content-type")?.startsWith("application/http") !== true) {
    throw malformed("Each part needs Content-Type: application/http.");
  }
  const lineEnd = body.indexOf("\r\n");
  const requestLine = lineEnd < 0 ? body : body.slice(0, lineEnd);
  const match = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(requestLine.trim());
  if (match === null) throw malformed(`Invalid request line '${requestLine}'.`);
  const inner = splitHeaders(lineEnd < 0 ? "" : body.slice(lineEnd + 2));
  return {
    contentId: headers.get("content-id"),
    request: {
      method: match[1] ?? "",
      path: match[2] ?? "",
      headers: { get: (name) => inner.headers.get(name) ?? null },
      body: inner.body.replace(/\r\n$/, ""),
      user: outer.user,
      roles: outer.roles,
    },
  };
}

function splitParts(body: string, boundary: string): readonly string[] {
  if (!body.includes("\r\n")) throw malformed("Lines must end with CRLF.");
  const pieces = `\r\n${body}`.split(`\r\n--${boundary}`);
  const closing = pieces.pop();
  if (pieces.length === 0 || closing?.startsWith("--") !== true) {
    throw malformed(`The closing boundary '--${boundary}--' is missing.`);
  }
  return pieces.slice(1).map((piece) => piece.replace(/^\r\n/, ""));
}

function splitHeaders(part: string): {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
} {
  const headers = new Map<string, string>();
  let rest = part;
  for (;;) {
    const lineEnd = rest.indexOf("\r\n");
    const line = lineEnd < 0 ? rest : rest.slice(0, lineEnd);
    rest = lineEnd < 0 ? "" : rest.slice(lineEnd + 2);
    if (line === "") return { headers, body: rest };
    const colon = line.indexOf(":");
    if (colon < 0) throw malformed(`Invalid header '${line}'.`);
    headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    if (rest === "") return { headers, body: "" };
  }
}

function readBoundary(contentType: string): string {
  const boundary = /boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw malformed("The boundary is missing.");
  return boundary;
}

function writeItem(item: BatchItem, answers: readonly Answer[]): string {
  if (item.kind === "single") return answers.map(writeAnswer).join("");
  const boundary = `changesetresponse_${randomUUID()}`;
  const parts = answers.map((answer) => `--${boundary}\r\n${writeAnswer(answer)}`).join("");
  return `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n${parts}--${boundary}--\r\n`;
}

function writeAnswer({ contentId, response }: Answer): string {
  const headers = Object.entries(response.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return [
    "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n",
    contentId === undefined ? "" : `Content-ID: ${contentId}\r\n`,
    `\r\nHTTP/1.1 ${response.status} ${reasonOf(response.status)}\r\n`,
    ...headers,
    `\r\n${response.body ?? ""}\r\n`,
  ].join("");
}

function reasonOf(status: number): string {
  const reasons: Readonly<Record<number, string>> = {
    200: "OK",
    201: "Created",
    204: "No Content",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    412: "Precondition Failed",
    429: "Too Many Requests",
  };
  return reasons[status] ?? "Error";
}

function malformed(detail: string): DataverseError {
  return badPayload("$batch", detail);
}
