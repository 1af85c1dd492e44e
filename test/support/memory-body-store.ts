import type { BodyStore } from "../../functions/src/platform/body-store.ts";

/** The blob container of one process. */
export class MemoryBodyStore implements BodyStore {
  readonly blobs = new Map<string, Uint8Array>();

  put(name: string, content: Uint8Array): Promise<void> {
    this.blobs.set(name, content);
    return Promise.resolve();
  }

  get(name: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.blobs.get(name));
  }

  remove(names: readonly string[]): Promise<void> {
    for (const name of names) this.blobs.delete(name);
    return Promise.resolve();
  }

  deleteFoldersBelow(folder: string): Promise<number> {
    const old = [...this.blobs.keys()].filter((name) => name < folder);
    for (const name of old) this.blobs.delete(name);
    return Promise.resolve(old.length);
  }
}
