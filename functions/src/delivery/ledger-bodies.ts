/*
 * Bodies of the ledger. What is small stands in the event's own row, compressed; what is not goes to a blob
 * first, and the row names it. The order makes a crash harmless: a blob that no row names is deleted
 * with its month. What has been settled for long loses its body (recovery/retention): the columns are emptied,
 * for a merge cannot remove them, and `bodyTakenAt` says that there was one. Names hold the content's hash, so that a second run never writes other content under a
 * name that a row may have.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { BodyStore } from "../platform/body-store.ts";
import type { ColumnValue } from "../platform/table-store.ts";
import { CausewayError } from "../platform/causeway-error.ts";
import type { LedgerErrorCode } from "./ledger-columns.ts";
import { toBodyColumns, toEmptyColumns, unpackBody } from "./ledger-columns.ts";
import { toLedgerMonth } from "./ledger-keys.ts";

/** The event as it came in, and as it was accepted; both stand in one row of at most 1 MiB. */
export type BodyName = "raw" | "body";

const inRowBytes = 6 * 64 * 1024;

export async function keepBody(
  bodies: BodyStore,
  event: { readonly eventId: string; readonly time: string },
  name: BodyName,
  text: string,
): Promise<Record<string, ColumnValue>> {
  const bytes = gzipSync(text, { level: 6 });
  if (bytes.byteLength <= inRowBytes) return toBodyColumns(name, bytes);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
  const blob = `${toLedgerMonth(event.time)}/${event.eventId}/${name}-${hash}`;
  await bodies.put(blob, bytes);
  return { [referenceColumn(name)]: blob };
}

/** Undefined when the row has none, or its blob is gone. */
export async function readBody(
  bodies: BodyStore,
  name: BodyName,
  columns: Readonly<Record<string, ColumnValue>>,
): Promise<string | undefined> {
  const blob = columns[referenceColumn(name)];
  if (typeof blob !== "string" || blob === "") return unpackBody(name, columns);
  const bytes = await bodies.get(blob);
  return bytes === undefined ? undefined : gunzipSync(bytes).toString("utf8");
}

/** Thrown by whoever reads a body that the ledger does not have, or not any more. */
export function isWithoutBody(error: unknown): error is CausewayError<LedgerErrorCode> {
  return (
    error instanceof CausewayError &&
    (error.code === "BODY_MISSING" || error.code === "BODY_RETENTION_OVER")
  );
}

/** Present, in ISO 8601, on a row whose body's retention is over. */
export const takenColumn = "bodyTakenAt";

export function isBodyTaken(columns: Readonly<Record<string, ColumnValue>>): boolean {
  const at = columns[takenColumn];
  return typeof at === "string" && at !== "";
}

/** For a merge: everything that a body of that name can stand in, and the mark. */
export function toTakenColumns(
  names: readonly (BodyName | "wouldSend")[],
  now: number,
): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = { [takenColumn]: new Date(now).toISOString() };
  for (const name of names) Object.assign(columns, toEmptyColumns(name));
  return columns;
}

export function referenceColumn(name: BodyName): string {
  return `${name}Blob`;
}
