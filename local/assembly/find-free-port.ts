import { randomInt } from "node:crypto";
import { createServer, type AddressInfo } from "node:net";

/**
 * Below what any system gives out by itself, to clients and to listeners on port 0 (Linux from 32768, macOS and
 * Windows from 49152): nobody gets such a port by chance while the host that it is for is not listening yet, or was
 * killed and starts again.
 */
const lowest = 20_000;
const beyond = 32_000;
const mostTries = 50;

/** The wanted port, or for 0 one that is free now and that no system gives away; fails with EADDRINUSE when the wanted one is not. */
export async function findFreePort(
  wanted: number,
  pick: () => number = () => randomInt(lowest, beyond),
): Promise<number> {
  if (wanted !== 0) return tryPort(wanted);
  for (let tries = 1; ; tries += 1) {
    try {
      return await tryPort(pick());
    } catch (error) {
      if (tries === mostTries) throw error;
    }
  }
}

function tryPort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
