import type { Write } from "./table-store.ts";

/** A transaction may have 4 MiB; bytes travel as base64, and each write has its own headers. */
export const maxTransactionBytes = 3 * 1024 * 1024;

/** About what a write takes in a transaction's body. */
export function sizeOf(write: Write): number {
  if (write.kind === "delete") return 600;
  let size = 1_200;
  for (const value of Object.values(write.row.columns)) {
    if (value instanceof Uint8Array) size += Math.ceil(value.byteLength * 1.37);
    // Other alphabets take up to three bytes a character.
    else if (typeof value === "string") size += 3 * value.length + 24;
    else size += 32;
  }
  return size;
}
