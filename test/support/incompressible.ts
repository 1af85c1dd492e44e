import { seededRandom } from "./faulty-ports.ts";

/** Text that compression makes no smaller than three quarters of its length; always the same. */
export function incompressible(length: number): string {
  const random = seededRandom(1);
  const bytes = Uint8Array.from({ length: Math.ceil((length * 3) / 4) }, () => random() * 256);
  return Buffer.from(bytes).toString("base64").slice(0, length);
}
