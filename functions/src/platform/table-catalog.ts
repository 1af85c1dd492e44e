import { RestError, TableServiceClient } from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import { TableError } from "./table-store.ts";

/** Tables as a whole; rows are the table store's. */
export interface TableCatalog {
  /** In no order. */
  names(): Promise<readonly string[]>;
  /** With everything in it. One that is not there is as good as dropped. */
  drop(table: string): Promise<void>;
}

const retryOptions = { maxRetries: 2, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };

export function createTableCatalog(
  tableEndpoint: string,
  credential: TokenCredential,
): TableCatalog {
  return createTableCatalogOver(
    new TableServiceClient(tableEndpoint, credential, { retryOptions }),
  );
}

/** For a client made otherwise (tests: a local account's connection string). */
export function createTableCatalogOver(client: TableServiceClient): TableCatalog {
  return {
    names: () =>
      attempt("*", async () => {
        const names: string[] = [];
        for await (const { name } of client.listTables()) {
          if (name !== undefined) names.push(name);
        }
        return names;
      }),
    // The client takes 404 for done.
    drop: (table) => attempt(table, () => client.deleteTable(table)),
  };
}

async function attempt<T>(table: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const status = error instanceof RestError ? (error.statusCode ?? 0) : 0;
    // Wrong for good is only what the service refuses; rights may not have arrived yet.
    const isRefused = status >= 400 && status < 500 && ![401, 403, 408, 409, 429].includes(status);
    throw new TableError(isRefused ? "FAILED" : "UNAVAILABLE", table, error);
  }
}
