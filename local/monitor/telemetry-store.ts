import type { TelemetryRow } from "./telemetry-row.ts";

export interface TelemetryQuery {
  readonly table?: string | undefined;
  readonly operationId?: string | undefined;
  /** Equals the row's name, ignoring case. */
  readonly name?: string | undefined;
  /** The newest so many. */
  readonly take: number;
}

interface StoredRow {
  readonly row: TelemetryRow;
  readonly bytes: number;
}

/** About what a row takes; made into text only for whoever asks. */
function sizeOf(value: object): number {
  let size = 16;
  for (const name in value) {
    const member: unknown = value[name as keyof typeof value];
    size += name.length + 8;
    if (typeof member === "string") size += member.length;
    else if (typeof member === "object" && member !== null) size += sizeOf(member);
  }
  return size;
}

/** Per table; the oldest rows go first, so a busy table never drives out a quiet one. */
const maxTableBytes = 4 * 1024 * 1024;

/** Telemetry in bounded memory. */
export class TelemetryStore {
  readonly #tables = new Map<string, { rows: StoredRow[]; bytes: number; dropped: number }>();

  add(row: TelemetryRow): void {
    const table = this.#tables.get(row.table) ?? { rows: [], bytes: 0, dropped: 0 };
    this.#tables.set(row.table, table);
    const bytes = sizeOf(row);
    table.rows.push({ row, bytes });
    table.bytes += bytes;
    if (table.bytes <= maxTableBytes) return;
    // In one go and below the limit, so that not every row moves the whole list.
    let dropped = 0;
    while (table.bytes > maxTableBytes * 0.9 && dropped < table.rows.length - 1) {
      table.bytes -= table.rows[dropped]?.bytes ?? 0;
      dropped += 1;
    }
    table.rows = table.rows.slice(dropped);
    table.dropped += dropped;
  }

  /** Rows in the order in which they arrived, per table. */
  find(query: TelemetryQuery): readonly TelemetryRow[] {
    const name = query.name?.toLowerCase();
    const found: TelemetryRow[] = [];
    for (const [table, { rows }] of this.#tables) {
      if (query.table !== undefined && query.table !== table) continue;
      const matching = rows.filter(
        ({ row }) =>
          (query.operationId === undefined || row.operation_Id === query.operationId) &&
          (name === undefined || row.name.toLowerCase() === name),
      );
      found.push(...matching.slice(-query.take).map(({ row }) => row));
    }
    return found
      .toSorted((left, right) => left.timestamp.localeCompare(right.timestamp))
      .slice(-query.take);
  }

  /** How many rows each table holds, and how many it had to let go. */
  counts(): Readonly<Record<string, { readonly rows: number; readonly dropped: number }>> {
    return Object.fromEntries(
      [...this.#tables].map(([table, { rows, dropped }]) => [
        table,
        { rows: rows.length, dropped },
      ]),
    );
  }
}
