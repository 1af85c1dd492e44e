/*
 * The append-only record of decisions: a row per decision, written before it takes effect, never changed. What names
 * very many things takes several rows, and a decision that came to nothing because somebody else was faster has a row
 * after it that says so. Partition = day, row = instant, both counted backwards, so that reading from the start is
 * newest first.
 */
import { randomUUID } from "node:crypto";
import { packBody, unpackBody } from "../delivery/ledger-columns.ts";
import type { Clock } from "../platform/clock.ts";
import type { StoredRow, TableStore } from "../platform/table-store.ts";
import { toNewestFirst } from "./failure-rows.ts";

export interface AuditEntry {
  readonly at: number;
  /** The caller's object id and name; `byCauseway` for what the program decides by itself. */
  readonly callerId: string;
  readonly caller: string;
  /** `failures.discard`, `replays.begin`, …: few different ones. */
  readonly action: string;
  /** What it was done to: identifiers only. */
  readonly subject: string;
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditLog {
  write(entry: Omit<AuditEntry, "at">): Promise<void>;
  read(page: {
    readonly limit: number;
    readonly continuation?: string | undefined;
  }): Promise<{ readonly entries: readonly AuditEntry[]; readonly continuation?: string }>;
}

/** No person: the object id is empty. */
export const byCauseway = { callerId: "", caller: "causeway" } as const;

const auditTable = "audit";
const dayMs = 86_400_000;
/** Short of what a text column holds; longer ones are compressed into others, and nothing is left out. */
const maxDetails = 30_000;

export function createAuditLog(store: TableStore, clock: Clock): AuditLog {
  return {
    write: async ({ callerId, caller, action, subject, reason, details }) => {
      const at = clock.now();
      const text = JSON.stringify(details);
      await store.write(auditTable, {
        kind: "insert",
        row: {
          partitionKey: toDayKey(at),
          rowKey: `${toNewestFirst(at)}|${randomUUID()}`,
          columns: {
            at: new Date(at).toISOString(),
            callerId,
            caller,
            action,
            subject,
            reason: reason.slice(0, 1_024),
            ...(text.length <= maxDetails ? { details: text } : packBody("details", text)),
          },
        },
      });
    },
    read: async ({ limit, continuation }) => {
      const page = await store.query(auditTable, {
        partitionKey: { from: "", below: "~" },
        limit,
        ...(continuation === undefined ? {} : { continuation }),
      });
      const entries = page.rows.map(toEntry);
      return page.continuation === undefined
        ? { entries }
        : { entries, continuation: page.continuation };
    },
  };
}

function toDayKey(at: number): string {
  return String(99_999 - Math.floor(at / dayMs)).padStart(5, "0");
}

function toEntry({ columns }: StoredRow): AuditEntry {
  const text = (name: string): string => {
    const value = columns[name];
    return typeof value === "string" ? value : "";
  };
  return {
    at: Date.parse(text("at")),
    callerId: text("callerId"),
    caller: text("caller"),
    action: text("action"),
    subject: text("subject"),
    reason: text("reason"),
    details: JSON.parse(text("details") || (unpackBody("details", columns) ?? "{}")) as Readonly<
      Record<string, unknown>
    >,
  };
}
