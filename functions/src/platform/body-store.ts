import { ContainerClient, RestError } from "@azure/storage-blob";
import type { TokenCredential } from "@azure/identity";
import { TableError } from "./table-store.ts";

/**
 * Bodies that no table row can hold. A part of the ledger, so it fails as the ledger does: with a
 * TableError, UNAVAILABLE when trying again can help.
 */
export interface BodyStore {
  /** A name stands for one content for ever, so writing it again changes nothing. */
  put(name: string, content: Uint8Array): Promise<void>;
  /** Undefined: there is none, or its retention is over. */
  get(name: string): Promise<Uint8Array | undefined>;
  /** Deletes the folders (first parts of names) that sort before this one; the number of bodies. */
  deleteFoldersBelow(folder: string): Promise<number>;
}

const container = "claim-checks";
/** As for tables: few and short, delivery has its own rule for storage being away. */
const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };
/** A sweep comes every five minutes; what is left is for the next one. */
const maxDeletes = 1_000;

export function createBodyStore(blobEndpoint: string, credential: TokenCredential): BodyStore {
  const url = `${blobEndpoint}/${container}`;
  return createBodyStoreOver(new ContainerClient(url, credential, { retryOptions }));
}

/** For a client made otherwise (tests: a local account's connection string). */
export function createBodyStoreOver(client: ContainerClient): BodyStore {
  return {
    put: (name, content) =>
      attempt(async () => {
        const bytes = Buffer.from(content);
        const blob = client.getBlockBlobClient(name);
        const blobHTTPHeaders = {
          blobContentType: "application/json",
          blobContentEncoding: "gzip",
        };
        await blob.uploadData(bytes, { blobHTTPHeaders });
      }),
    get: (name) =>
      attempt(async () => {
        try {
          return await client.getBlockBlobClient(name).downloadToBuffer();
        } catch (error) {
          if (error instanceof RestError && error.statusCode === 404) return undefined;
          throw error;
        }
      }),
    deleteFoldersBelow: (folder) =>
      attempt(async () => {
        let deleted = 0;
        // Names come in order: the first one that is not below ends it.
        for await (const { name } of client.listBlobsFlat()) {
          if (name >= folder || deleted >= maxDeletes) break;
          await client.getBlockBlobClient(name).deleteIfExists();
          deleted += 1;
        }
        return deleted;
      }),
  };
}

async function attempt<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const status = error instanceof RestError ? (error.statusCode ?? 0) : 0;
    // Wrong for good is only what the service refuses; rights may not have arrived yet.
    const isRefused = status >= 400 && status < 500 && ![401, 403, 408, 429].includes(status);
    throw new TableError(isRefused ? "FAILED" : "UNAVAILABLE", container, error);
  }
}
