import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import { startFrontDoor, type FrontDoor } from "../../local/front-door.ts";
import { startTunnel, type Tunnel } from "../../local/storage/tunnel.ts";

describe("a tunnel to a service", () => {
  let door: FrontDoor;
  let tunnel: Tunnel;

  beforeEach(async () => {
    door = await startFrontDoor({ fetch: () => new Response("here") });
    tunnel = await startTunnel(() => connect({ host: "127.0.0.1", port: door.port }));
  });

  afterEach(async () => {
    await tunnel.close();
    await door.close();
  });

  const ask = async (): Promise<string> => (await fetch(`http://127.0.0.1:${tunnel.port}`)).text();

  it("carries bytes, counts them, and cuts everything while the service is said to be away", async () => {
    expect(await ask()).toBe("here");
    expect(tunnel.activity()).toBeGreaterThan(0);
    tunnel.setAway(true);
    await expect(ask()).rejects.toThrow("fetch failed");
    await expect(ask()).rejects.toThrow("fetch failed");
    tunnel.setAway(false);
    expect(await ask()).toBe("here");
  });
});
