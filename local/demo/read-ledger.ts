import { odata, TableClient, TableServiceClient } from "@azure/data-tables";

/** One row of the ledger as the demonstration needs it; columns as design 7 names them. */
export interface LedgerDelivery {
  readonly eventId: string;
  /** "intake" for the event itself. */
  readonly target: string;
  readonly state: string;
  readonly code: string | null;
  readonly rule: string | null;
  readonly reference: string | null;
  readonly settledAt: number | null;
  readonly isWaiting: boolean;
  readonly hasWaited: boolean;
}

interface Row {
  readonly eventId?: string;
  readonly target?: string;
  readonly state?: string;
  readonly code?: string;
  readonly rule?: string;
  readonly reference?: string;
  readonly settledAt?: string;
  readonly waitingSince?: string;
  readonly waits?: string;
}

const columns: (keyof Row)[] = [
  "eventId",
  "target",
  "state",
  "code",
  "rule",
  "reference",
  "settledAt",
  "waitingSince",
  "waits",
];

/** Reads an event's rows wherever they stand: a handful of rows, so a scan costs nothing here. */
export function createLedgerReader(connectionString: string): {
  read(eventIds: readonly string[]): Promise<readonly LedgerDelivery[]>;
} {
  const options = { allowInsecureConnection: true };
  const service = TableServiceClient.fromConnectionString(connectionString, options);
  const tables = new Map<string, TableClient>();
  const findTables = async (): Promise<readonly TableClient[]> => {
    for await (const { name } of service.listTables()) {
      if (name?.startsWith("ledger") !== true || tables.has(name)) continue;
      tables.set(name, TableClient.fromConnectionString(connectionString, name, options));
    }
    return [...tables.values()];
  };
  return {
    read: async (eventIds) => {
      const wanted = new Set(eventIds);
      const found: LedgerDelivery[] = [];
      for (const table of await findTables()) {
        const rows = table.listEntities<Row>({
          queryOptions: { select: columns, filter: odata`RowKey ge ${""}` },
        });
        for await (const row of rows) {
          const delivery = toDelivery(row);
          if (wanted.has(delivery.eventId)) found.push(delivery);
        }
      }
      return found;
    },
  };
}

function toDelivery(row: Row): LedgerDelivery {
  return {
    eventId: row.eventId ?? "",
    target: row.target ?? "",
    state: row.state ?? "",
    code: text(row.code),
    rule: text(row.rule),
    reference: text(row.reference),
    settledAt: text(row.settledAt) === null ? null : Date.parse(row.settledAt ?? ""),
    isWaiting: text(row.waitingSince) !== null,
    hasWaited: Number(text(row.waits) ?? 0) > 0,
  };
}

/** The ledger writes "" for nothing. */
function text(value: string | undefined): string | null {
  return value === undefined || value === "" ? null : value;
}
