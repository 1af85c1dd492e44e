import { randomUUID } from "node:crypto";
import { toEntityPath, toEntityText } from "./table-entity.ts";
import type { Write } from "./table-store.ts";

/** One request to the table service, or one operation in a transaction. */
export interface TableRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below the account's endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const jsonHeaders = {
  accept: "application/json;odata=minimalmetadata",
  "content-type": "application/json",
} as const;

/** https://learn.microsoft.com/rest/api/storageservices/operations-on-entities */
export function toRequest(table: string, write: Write): TableRequest {
  switch (write.kind) {
    case "insert": {
      const headers = { ...jsonHeaders, prefer: "return-no-content" };
      return { method: "POST", path: table, headers, body: toEntityText(write.row) };
    }
    case "upsert":
      return {
        method: "PUT",
        path: toEntityPath(table, write.row),
        headers: jsonHeaders,
        body: toEntityText(write.row),
      };
    case "replace":
    case "merge":
      return {
        method: write.kind === "replace" ? "PUT" : "PATCH",
        path: toEntityPath(table, write.row),
        headers: { ...jsonHeaders, "if-match": write.etag },
        body: toEntityText(write.row),
      };
    case "delete":
      return {
        method: "DELETE",
        path: toEntityPath(table, write.keys),
        headers: { accept: jsonHeaders.accept, "if-match": "*" },
      };
  }
}

const newLine = "\r\n";

/** https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions */
export function toTransactionRequest(
  endpoint: string,
  table: string,
  writes: readonly Write[],
): TableRequest {
  const batch = `batch_${randomUUID()}`;
  const changeset = `changeset_${randomUUID()}`;
  const parts = writes.map((write) => {
    const { method, path, headers, body = "" } = toRequest(table, write);
    return [
      `--${changeset}`,
      "content-type: application/http",
      "content-transfer-encoding: binary",
      "",
      `${method} ${endpoint}/${path} HTTP/1.1`,
      ...Object.entries(headers).map(([name, value]) => `${toWireName(name)}: ${value}`),
      "DataServiceVersion: 3.0",
      "",
      body,
    ].join(newLine);
  });
  return {
    method: "POST",
    path: "$batch",
    headers: {
      accept: "application/json",
      "content-type": `multipart/mixed; boundary=${batch}`,
    },
    body: [
      `--${batch}`,
      `content-type: multipart/mixed; boundary=${changeset}`,
      "",
      ...parts,
      `--${changeset}--`,
      `--${batch}--`,
      "",
    ].join(newLine),
  };
}

/** Azurite looks for the names of a part's headers as Microsoft's clients write them. */
function toWireName(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (letters) => letters.toUpperCase());
}

export interface PartAnswer {
  readonly status: number;
  readonly etag: string;
  /** Of an error only; the transaction then wrote nothing. */
  readonly body: string | undefined;
}

/** The answers to a transaction's parts: one for each, or a single one that refuses them all. */
export function readTransactionAnswer(text: string): readonly PartAnswer[] {
  return text
    .split("--changesetresponse_")
    .slice(1, -1)
    .map((part) => ({
      status: Number(/HTTP\/1\.1 (\d+)/.exec(part)?.[1] ?? 0),
      etag: /^ETag: (.*?)\r?$/im.exec(part)?.[1] ?? "",
      body: /\{.*\}/s.exec(part)?.[0],
    }));
}
