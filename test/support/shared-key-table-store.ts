import { createHmac } from "node:crypto";
import { createAzureTableStore } from "../../functions/src/platform/azure-table-store.ts";
import { systemClock } from "../../functions/src/platform/clock.ts";
import { createHttp } from "../../functions/src/platform/http.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";

/** The product's store with a local account's key in the place of an identity. */
export function createSharedKeyTableStore(connectionString: string): TableStore {
  const part = (name: string): string =>
    new RegExp(`(?:^|;)${name}=([^;]+)`).exec(connectionString)?.[1] ?? "";
  const account = part("AccountName");
  const key = Buffer.from(part("AccountKey"), "base64");
  return createAzureTableStore({
    endpoint: part("TableEndpoint"),
    http: createHttp(),
    clock: systemClock,
    // https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
    authorize: (url, date) => {
      const text = `${date}\n/${account}${new URL(url).pathname}`;
      const signature = createHmac("sha256", key).update(text, "utf8").digest("base64");
      return Promise.resolve(`SharedKeyLite ${account}:${signature}`);
    },
  });
}
