import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { findFreePort } from "../../../../local/assembly/find-free-port.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function takePort(): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

describe("a free port", () => {
  it("is none that a system gives to its clients", async () => {
    const port = await findFreePort(0);

    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
  });

  it("is not one that somebody listens on", async () => {
    const taken = await takePort();
    const free = await findFreePort(0);
    const picks = [taken, taken, free];

    await expect(findFreePort(0, () => picks.shift() ?? 0)).resolves.toBe(free);
  });

  it("is the wanted one, or an error when that is taken", async () => {
    const taken = await takePort();
    const free = await findFreePort(0);

    await expect(findFreePort(free)).resolves.toBe(free);
    await expect(findFreePort(taken)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
