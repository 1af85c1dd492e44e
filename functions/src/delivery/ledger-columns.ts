import { gunzipSync, gzipSync } from "node:zlib";
import { CausewayError } from "../platform/causeway-error.ts";
import type { ColumnValue } from "../platform/table-store.ts";
import { createDeliveryRow } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow, DeliveryState } from "./ledger-rows.ts";

type Columns = Readonly<Record<string, ColumnValue>>;

/** A binary column holds 64 KiB, an entity 1 MiB with everything in it. */
const chunkBytes = 64 * 1024;
const maxBodyBytes = 14 * chunkBytes;
const maxShownBytes = 4 * chunkBytes;

export type LedgerErrorCode = "BODY_TOO_LARGE" | "BODY_MISSING" | "BODY_RETENTION_OVER";

/** A row as columns; what is null or the default is left out. */
export function toColumns(row: DeliveryRow): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(toAllColumns(row))) {
    if (value !== cleared) columns[name] = value;
  }
  return columns;
}

/** For a merge into a row that has other columns too: empty ones are named, or the old values stay. */
export function toMergeColumns(row: DeliveryRow): Record<string, ColumnValue> {
  return toAllColumns(row);
}

/** Reads as null; a merge cannot remove a column. */
const cleared = "";

function toAllColumns(row: DeliveryRow): Record<string, ColumnValue> {
  return {
    eventId: row.eventId,
    time: row.time,
    target: row.target,
    state: row.state,
    hop: row.hop,
    attempts: row.attempts,
    generation: row.generation,
    traceparent: row.traceparent,
    lastCall: row.lastCall ?? cleared,
    dueAt: iso(row.dueAt),
    acceptedAt: iso(row.acceptedAt),
    // Counts as text, so that they can be cleared; milliseconds may exceed 32 bits anyway.
    waits: countText(row.waits),
    checks: countText(row.checks),
    sweeps: countText(row.sweeps),
    awayMs: countText(row.awayMs),
    missing: row.missing.length === 0 ? cleared : JSON.stringify(row.missing),
    ...instants(row),
    memo: row.memo ?? cleared,
    code: row.code ?? cleared,
    reason: row.reason ?? cleared,
    reference: row.reference ?? cleared,
    url: row.url ?? cleared,
    rule: row.rule ?? cleared,
    failureId: row.failureId ?? cleared,
    trail: row.trail.length === 0 ? cleared : JSON.stringify(row.trail),
    ...(row.wouldSend === null ? {} : packShown(row.wouldSend)),
  };
}

const instantNames = [
  "awaySince",
  "retryingSince",
  "waitingSince",
  "unsureSince",
  "slotAt",
  "firstFailedAt",
  "lastFailedAt",
  "settledAt",
] as const;

function instants(row: DeliveryRow): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = {};
  for (const name of instantNames) {
    const value = row[name];
    columns[name] = value === null ? cleared : iso(value);
  }
  return columns;
}

export function fromColumns(columns: Columns): DeliveryRow {
  const id: DeliveryId = {
    eventId: text(columns, "eventId") ?? "",
    time: text(columns, "time") ?? "",
    target: text(columns, "target") ?? "",
  };
  const base = createDeliveryRow(id, {
    state: (text(columns, "state") ?? "pending") as DeliveryState,
    acceptedAt: instant(columns, "acceptedAt") ?? 0,
    traceparent: text(columns, "traceparent") ?? "",
  });
  return {
    ...base,
    hop: count(columns, "hop"),
    attempts: count(columns, "attempts"),
    generation: count(columns, "generation"),
    dueAt: instant(columns, "dueAt") ?? 0,
    waits: Number(text(columns, "waits") ?? 0),
    checks: Number(text(columns, "checks") ?? 0),
    sweeps: Number(text(columns, "sweeps") ?? 0),
    awayMs: Number(text(columns, "awayMs") ?? 0),
    missing: JSON.parse(text(columns, "missing") ?? "[]") as readonly string[],
    awaySince: instant(columns, "awaySince"),
    retryingSince: instant(columns, "retryingSince"),
    waitingSince: instant(columns, "waitingSince"),
    unsureSince: instant(columns, "unsureSince"),
    slotAt: instant(columns, "slotAt"),
    firstFailedAt: instant(columns, "firstFailedAt"),
    lastFailedAt: instant(columns, "lastFailedAt"),
    settledAt: instant(columns, "settledAt"),
    lastCall: text(columns, "lastCall"),
    memo: text(columns, "memo"),
    code: text(columns, "code"),
    reason: text(columns, "reason"),
    reference: text(columns, "reference"),
    url: text(columns, "url"),
    rule: text(columns, "rule"),
    failureId: text(columns, "failureId"),
    trail: JSON.parse(text(columns, "trail") ?? "[]") as DeliveryRow["trail"],
    wouldSend: unpackBody("wouldSend", columns) ?? null,
  };
}

/** Text as `<name>0`, `<name>1`, … compressed; throws BODY_TOO_LARGE over about 900 KB compressed. */
export function packBody(name: string, body: string): Record<string, ColumnValue> {
  const bytes = gzipSync(body, { level: 6 });
  if (bytes.byteLength > maxBodyBytes) {
    throw new CausewayError<LedgerErrorCode>(
      "BODY_TOO_LARGE",
      "The body does not fit a ledger row even when compressed.",
      { fate: "permanent", ids: { compressedBytes: bytes.byteLength } },
    );
  }
  return toBodyColumns(name, bytes);
}

/** What a dry run would have written is for looking at: too much of it is left out, and says so. */
function packShown(wouldSend: string): Record<string, ColumnValue> {
  const bytes = gzipSync(wouldSend, { level: 6 });
  if (bytes.byteLength <= maxShownBytes) return toBodyColumns("wouldSend", bytes);
  return packBody("wouldSend", JSON.stringify({ leftOut: `${wouldSend.length} characters` }));
}

export function toBodyColumns(name: string, bytes: Buffer): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = {};
  for (let start = 0; start < bytes.byteLength; start += chunkBytes) {
    columns[`${name}${start / chunkBytes}`] = bytes.subarray(start, start + chunkBytes);
  }
  return columns;
}

/** For a merge, which can empty columns and not remove them: such a body reads as none. */
export function toEmptyColumns(name: string): Record<string, ColumnValue> {
  const columns: Record<string, ColumnValue> = {};
  for (let index = 0; index * chunkBytes < maxBodyBytes; index += 1) {
    columns[`${name}${index}`] = cleared;
  }
  return columns;
}

export function unpackBody(name: string, columns: Columns): string | undefined {
  const chunks: Uint8Array[] = [];
  for (let index = 0; ; index += 1) {
    const chunk = columns[`${name}${index}`];
    if (!(chunk instanceof Uint8Array)) break;
    chunks.push(chunk);
  }
  return chunks.length === 0 ? undefined : gunzipSync(Buffer.concat(chunks)).toString("utf8");
}

function countText(value: number): string {
  return value === 0 ? cleared : String(value);
}

function iso(instantMs: number): string {
  return new Date(instantMs).toISOString();
}

function text(columns: Columns, name: string): string | null {
  const value = columns[name];
  return typeof value === "string" && value !== cleared ? value : null;
}

function count(columns: Columns, name: string): number {
  const value = columns[name];
  return typeof value === "number" ? value : 0;
}

function instant(columns: Columns, name: string): number | null {
  const value = text(columns, name);
  return value === null ? null : Date.parse(value);
}
