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
  /** Names that there are none of are as good as deleted. */
  remove(names: readonly string[]): Promise<void>;
  /** Deletes some of the folders (first parts of names) that sort before this one; how many bodies, 0 when none is left. */
  deleteFoldersBelow(folder: string): Promise<number>;
}

const container = "claim-checks";
/** As for tables: few and short, delivery has its own rule for storage being away. */
const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 };
/** Of one call, so that who has little time can ask in between. */
const maxDeletes = 1_000;
const parallelDeletes = 16;

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
    remove: (names) => attempt(() => removeAll(client, names)),
    deleteFoldersBelow: (folder) =>
      attempt(async () => {
        const names: string[] = [];
        // Names come in order: the first one that is not below ends it.
        for await (const { name } of client.listBlobsFlat()) {
          if (name >= folder || names.length >= maxDeletes) break;
          names.push(name);
        }
        await removeAll(client, names);
        return names.length;
      }),
  };
}

async function removeAll(client: ContainerClient, names: readonly string[]): Promise<void> {
  const queue = names.values();
  const worker = async (): Promise<void> => {
    for (const name of queue) await client.getBlockBlobClient(name).deleteIfExists();
  };
  await Promise.all(Array.from({ length: Math.min(parallelDeletes, names.length) }, worker));
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
