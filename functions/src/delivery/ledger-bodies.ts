/*
 * Bodies of the ledger. What is small stands in the event's own row, compressed; what is not goes to a blob
 * first, and the row names it. The order makes a crash harmless: a blob that no row names is deleted
 * with its month. Names hold the content's hash, so that a second run never writes other content under a
 * name that a row may have.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { BodyStore } from "../platform/body-store.ts";
import type { ColumnValue } from "../platform/table-store.ts";
import { toBodyColumns, unpackBody } from "./ledger-columns.ts";
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

/**
 * Open failures keep their body for 180 days and settled deliveries for 30; by whole months, so that no
 * row has to be asked.
 */
const retentionDays = 180 + 30 + 31;

export function deleteOldBodies(bodies: BodyStore, now: number): Promise<number> {
  const oldest = new Date(now - retentionDays * 86_400_000).toISOString();
  return bodies.deleteFoldersBelow(toLedgerMonth(oldest));
}

function referenceColumn(name: BodyName): string {
  return `${name}Blob`;
}
