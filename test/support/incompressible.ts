import { createCipheriv } from "node:crypto";

/** Text that compression makes no smaller than three quarters of its length; always the same. */
export function incompressible(length: number): string {
  // A cipher's key stream: numbers from a generator of ours took most of the time of who asks for a million.
  const stream = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
  const bytes = stream.update(Buffer.alloc(Math.ceil((length * 3) / 4)));
  return bytes.toString("base64").slice(0, length);
}
