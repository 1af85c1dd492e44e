import { ContainerClient } from "@azure/storage-blob";
import type { TokenCredential } from "@azure/identity";

/** Event Grid's undeliverable events, one list per blob. */
export interface DeadLetterBlobs {
  /** Hands over each blob's text and deletes the blob after `work` has returned; the number of blobs. */
  drain(work: (text: string) => Promise<void>): Promise<number>;
}

const deadLetterContainer = "event-grid-dead-letters";
/** A sweep comes every five minutes; what is left is for the next one. */
const maxBlobs = 500;

export function createDeadLetterBlobs(
  blobEndpoint: string,
  credential: TokenCredential,
): DeadLetterBlobs {
  const url = `${blobEndpoint}/${deadLetterContainer}`;
  const container = new ContainerClient(url, credential, { retryOptions: { maxTries: 3 } });
  return {
    drain: async (work) => {
      let count = 0;
      for await (const { name } of container.listBlobsFlat()) {
        const blob = container.getBlockBlobClient(name);
        const content = await blob.downloadToBuffer();
        await work(content.toString("utf8"));
        await blob.deleteIfExists();
        count += 1;
        if (count >= maxBlobs) break;
      }
      return count;
    },
  };
}
