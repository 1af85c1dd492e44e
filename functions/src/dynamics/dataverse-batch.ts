import { readRetryAfter } from "../platform/read-retry-after.ts";
import { toFailure } from "./dataverse-failure.ts";
import type { DataverseFailure } from "./dataverse-failure.ts";

/** One write inside a changeset; the path stands behind `/api/data/v9.2/`, already encoded. */
export interface BatchOperation {
  readonly method: "PATCH" | "POST" | "DELETE";
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** All of it or nothing. */
export type Changeset = readonly BatchOperation[];

export type ChangesetAnswer =
  /** OData-EntityId of each operation, in order; null where there was none. */
  | { readonly kind: "done"; readonly entityIds: readonly (string | null)[] }
  | { readonly kind: "failed"; readonly failure: DataverseFailure }
  /** The batch ended before it. */
  | { readonly kind: "notRun" };

const lineEnd = "\r\n";
const apiPath = "/api/data/v9.2/";

/** A multipart body with one part per changeset, in the order given. */
export function toBatchBody(changesets: readonly Changeset[], boundary: string): string {
  const parts: string[] = [];
  for (const [index, changeset] of changesets.entries()) {
    const inner = `changeset_${index}_${boundary}`;
    parts.push(
      `--${boundary}${lineEnd}Content-Type: multipart/mixed; boundary=${inner}${lineEnd}${lineEnd}`,
      ...changeset.map((operation, position) => toPart(operation, inner, position + 1)),
      `--${inner}--${lineEnd}`,
    );
  }
  parts.push(`--${boundary}--${lineEnd}`);
  return parts.join("");
}

function toPart(operation: BatchOperation, boundary: string, contentId: number): string {
  const headers = Object.entries(operation.headers ?? {}).map(
    ([name, value]) => `${name}: ${value}${lineEnd}`,
  );
  return [
    `--${boundary}${lineEnd}`,
    `Content-Type: application/http${lineEnd}Content-Transfer-Encoding: binary${lineEnd}`,
    `Content-ID: ${contentId}${lineEnd}${lineEnd}`,
    `${operation.method} ${apiPath}${operation.path} HTTP/1.1${lineEnd}`,
    `Content-Type: application/json; type=entry${lineEnd}`,
    ...headers,
    lineEnd,
    JSON.stringify(operation.body),
    lineEnd,
  ].join("");
}

/**
 * One answer per changeset. A failed one answers with a single response, bare or inside its own
 * multipart; both forms were seen. Throws RangeError when the text is no batch answer at all.
 */
export function fromBatchBody(
  body: string,
  contentType: string,
  count: number,
  now: number,
): readonly ChangesetAnswer[] {
  const boundary = readBoundary(contentType);
  if (boundary === undefined) throw new RangeError("the answer to a batch has no boundary");
  const answers = splitParts(body, boundary).map((part) => toAnswer(part, now));
  return Array.from({ length: count }, (_, index) => answers[index] ?? { kind: "notRun" });
}

function toAnswer(part: string, now: number): ChangesetAnswer {
  const { headers, body } = splitHead(part);
  const inner = readBoundary(headers.get("content-type") ?? "");
  const responses = (inner === undefined ? [part] : splitParts(body, inner)).map(readResponse);
  const failed = responses.find(({ status }) => status >= 400 || status === 0);
  if (failed !== undefined) {
    const get = (name: string): string | null => failed.headers.get(name) ?? null;
    const afterMs = readRetryAfter({ headers: { get } }, now);
    return { kind: "failed", failure: toFailure(failed.status, failed.body, afterMs) };
  }
  return {
    kind: "done",
    entityIds: responses.map((response) => response.headers.get("odata-entityid") ?? null),
  };
}

interface PartResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function readResponse(part: string): PartResponse {
  const message = splitHead(part).body;
  const firstEnd = message.indexOf(lineEnd);
  const statusLine = firstEnd < 0 ? message : message.slice(0, firstEnd);
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1] ?? 0);
  return { status, ...splitHead(message.slice(statusLine.length + lineEnd.length)) };
}

function splitParts(body: string, boundary: string): readonly string[] {
  const pieces = `${lineEnd}${body}`.split(`${lineEnd}--${boundary}`);
  return pieces
    .slice(1)
    .filter((piece) => !piece.startsWith("--"))
    .map((piece) => piece.replace(/^[ \t]*\r\n/, ""));
}

function splitHead(text: string): {
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
} {
  const headers = new Map<string, string>();
  let start = 0;
  while (start < text.length) {
    const found = text.indexOf(lineEnd, start);
    const end = found < 0 ? text.length : found;
    const line = text.slice(start, end);
    start = end + lineEnd.length;
    if (line === "") break;
    const colon = line.indexOf(":");
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { headers, body: text.slice(start) };
}

function readBoundary(contentType: string): string | undefined {
  return /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
}
