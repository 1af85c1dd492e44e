import { odata, RestError, TableClient } from "@azure/data-tables";
import type { TableEntity, TableEntityResult, TransactionAction } from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import { TableError } from "./table-store.ts";
import type {
  ColumnValue,
  Row,
  RowQuery,
  StoredRow,
  TableErrorCode,
  TableStore,
  Write,
} from "./table-store.ts";

type Entity = TableEntity<Record<string, ColumnValue>>;
type EntityResult = TableEntityResult<Record<string, unknown>>;

/** Few and short: delivery has its own rule for storage being away, and a message's lock is running. */
const retryOptions = { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };

/** `tableEndpoint`: `https://<account>.table.core.windows.net`. */
export function createAzureTableStore(
  tableEndpoint: string,
  credential: TokenCredential,
): TableStore {
  return createTableStoreOver(
    (table) => new TableClient(tableEndpoint, table, credential, { retryOptions }),
  );
}

/** For a client made otherwise (tests: a local account's connection string). */
export function createTableStoreOver(openTable: (table: string) => TableClient): TableStore {
  const clients = new Map<string, TableClient>();
  const client = (table: string): TableClient => {
    const known = clients.get(table) ?? openTable(table);
    clients.set(table, known);
    return known;
  };
  return {
    get: (table, keys) =>
      attempt(table, async () => {
        try {
          return toRow(await client(table).getEntity(keys.partitionKey, keys.rowKey));
        } catch (error) {
          if (statusOf(error) === 404) return undefined;
          throw error;
        }
      }),
    write: (table, write) =>
      attempt(table, () => creatingTable(client(table), () => apply(client(table), write))),
    transaction: (table, writes) =>
      attempt(table, () => creatingTable(client(table), () => submit(client(table), writes))),
    query: async (table, query) => {
      const { continuation } = query;
      if (continuation === undefined) return attempt(table, () => readPage(client(table), query));
      if (!isContinuation(continuation)) throw new TableError("CONTINUATION_INVALID", table);
      try {
        return await readPage(client(table), query);
      } catch (error) {
        // The only part of a query that is not ours.
        const isRefused = statusOf(error) === 400;
        const code = isRefused ? "CONTINUATION_INVALID" : toTableErrorCode(error);
        throw new TableError(code, table, error);
      }
    },
  };
}

/** The SDK's own shape; it would read what is none as a table that is away, or as the first page. */
function isContinuation(text: string): boolean {
  try {
    const token = JSON.parse(Buffer.from(text, "base64").toString("utf8")) as unknown;
    return (
      typeof token === "object" &&
      token !== null &&
      typeof (token as { nextPartitionKey?: unknown }).nextPartitionKey === "string"
    );
  } catch {
    return false;
  }
}

async function readPage(client: TableClient, query: RowQuery): ReturnType<TableStore["query"]> {
  const { partitionKey } = query;
  const conditions =
    typeof partitionKey === "string"
      ? [odata`PartitionKey eq ${partitionKey}`]
      : [odata`PartitionKey ge ${partitionKey.from} and PartitionKey lt ${partitionKey.below}`];
  if (query.from !== undefined) conditions.push(odata`RowKey ge ${query.from}`);
  if (query.below !== undefined) conditions.push(odata`RowKey lt ${query.below}`);
  const pages = client
    .listEntities({
      queryOptions: {
        filter: conditions.join(" and "),
        ...(query.select === undefined
          ? {}
          : { select: ["PartitionKey", "RowKey", ...query.select] }),
      },
    })
    .byPage({
      ...(query.limit === undefined ? {} : { maxPageSize: query.limit }),
      ...(query.continuation === undefined ? {} : { continuationToken: query.continuation }),
    });
  try {
    for await (const page of pages) {
      const continuation = (page as { continuationToken?: string }).continuationToken;
      const rows = page.map(toRow);
      return continuation === undefined || continuation === "" ? { rows } : { rows, continuation };
    }
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
  return { rows: [] };
}

async function apply(client: TableClient, write: Write): Promise<string> {
  switch (write.kind) {
    case "insert":
      return (await client.createEntity(toEntity(write.row))).etag ?? "";
    case "upsert":
      return (await client.upsertEntity(toEntity(write.row), "Replace")).etag ?? "";
    case "replace":
    case "merge": {
      const mode = write.kind === "merge" ? "Merge" : "Replace";
      const answer = await client.updateEntity(toEntity(write.row), mode, { etag: write.etag });
      return answer.etag ?? "";
    }
    case "delete":
      await client.deleteEntity(write.keys.partitionKey, write.keys.rowKey);
      return "";
  }
}

async function submit(client: TableClient, writes: readonly Write[]): Promise<readonly string[]> {
  if (writes.length === 0) return [];
  const answer = await client.submitTransaction(writes.map(toAction));
  return writes.map((_write, index) => answer.subResponses[index]?.etag ?? "");
}

function toAction(write: Write): TransactionAction {
  switch (write.kind) {
    case "insert":
      return ["create", toEntity(write.row)];
    case "upsert":
      return ["upsert", toEntity(write.row), "Replace"];
    case "replace":
      return ["update", toEntity(write.row), "Replace", { etag: write.etag }];
    case "merge":
      return ["update", toEntity(write.row), "Merge", { etag: write.etag }];
    case "delete":
      return ["delete", { ...write.keys }];
  }
}

function toEntity(row: Row): Entity {
  return { ...row.columns, partitionKey: row.partitionKey, rowKey: row.rowKey };
}

function toRow(entity: EntityResult): StoredRow {
  const { etag, partitionKey, rowKey, ...rest } = entity;
  const columns: Record<string, ColumnValue> = {};
  for (const [name, value] of Object.entries(rest)) {
    const ours = name !== "timestamp" && !name.startsWith("odata.");
    if (ours && isColumnValue(value)) columns[name] = value;
  }
  return { partitionKey: partitionKey ?? "", rowKey: rowKey ?? "", etag, columns };
}

function isColumnValue(value: unknown): value is ColumnValue {
  return (
    typeof value === "string" ||
    typeof value === "number" ||
    typeof value === "boolean" ||
    value instanceof Uint8Array
  );
}

/** Months' tables appear when first written; two instances may do so at once. */
async function creatingTable<T>(client: TableClient, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (errorCodeOf(error) !== "TableNotFound") throw error;
    await client.createTable();
    return run();
  }
}

async function attempt<T>(table: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new TableError(toTableErrorCode(error), table, error);
  }
}

function toTableErrorCode(error: unknown): TableErrorCode {
  const status = statusOf(error);
  if (status === undefined) return "UNAVAILABLE";
  // A month's table that was just created can answer 409 TableBeingDeleted/AlreadyExists: try again.
  if (status === 409) return errorCodeOf(error).startsWith("Table") ? "UNAVAILABLE" : "EXISTS";
  if (status === 412) return "CHANGED";
  if (status === 404) return "ABSENT";
  if (status === 408 || status === 429 || status >= 500) return "UNAVAILABLE";
  // A role assignment that has not arrived yet, or a token that could not be had.
  if (status === 401 || status === 403) return "UNAVAILABLE";
  return "FAILED";
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** "EntityAlreadyExists", "TableNotFound", …; single requests and transactions put it elsewhere. */
function errorCodeOf(error: unknown): string {
  if (!(error instanceof RestError)) return "";
  if (error.code !== undefined && !error.code.startsWith("REQUEST")) return error.code;
  const details = error.details as { odataError?: { code?: string } } | undefined;
  return details?.odataError?.code ?? /"code":\s*"(\w+)"/.exec(error.message)?.[1] ?? "";
}
