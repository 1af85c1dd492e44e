import { afterEach, describe, expect, it } from "@jest/globals";
import { connect } from "node:net";
import { once } from "node:events";
import { answerWithoutConnection, startFrontDoor } from "../../local/front-door.ts";
import type { FrontDoor, FrontDoorOptions } from "../../local/front-door.ts";
import { testCertificate } from "../support/test-certificate.ts";

describe("front door", () => {
  const doors: FrontDoor[] = [];
  const open = async (options: FrontDoorOptions): Promise<FrontDoor> => {
    const door = await startFrontDoor(options);
    doors.push(door);
    return door;
  };
  afterEach(async () => {
    await Promise.all(doors.splice(0).map((door) => door.close()));
  });

  it("answers http and https on one port and says which it was", async () => {
    const fetchHandler = (request: Request): Response =>
      new Response(new URL(request.url).protocol);
    const door = await open({ fetch: fetchHandler, certificate: testCertificate });
    expect(await (await fetch(door.httpUrl)).text()).toBe("http:");
    expect(await (await fetch(door.httpsUrl)).text()).toBe("https:");
    expect(await (await fetch(`https://localhost:${door.port}`)).text()).toBe("https:");
  });

  it.each(["httpUrl", "httpsUrl"] as const)(
    "carries a large body both ways over %s",
    async (url) => {
      const door = await open({
        fetch: (request) => new Response(request.body),
        certificate: testCertificate,
      });
      const body = "0123456789abcdef".repeat(200_000);
      const response = await fetch(door[url], { method: "POST", body });
      expect((await response.text()) === body).toBe(true);
    },
  );

  it("closes at once although a client keeps its connection and another never spoke", async () => {
    const door = await open({ fetch: () => new Response("ok") });
    const silent = connect(door.port, "127.0.0.1");
    await once(silent, "connect");
    await (await fetch(door.httpUrl)).text();
    const ended = once(silent, "close");
    await door.close();
    await ended;
    await expect(fetch(door.httpUrl)).rejects.toThrow("fetch failed");
  });

  it.each(["httpUrl", "httpsUrl"] as const)(
    "cuts the connection over %s when that is the answer, and serves the next one",
    async (url) => {
      let count = 0;
      const door = await open({
        fetch: () => ((count += 1) === 1 ? answerWithoutConnection() : new Response("ok")),
        certificate: testCertificate,
      });
      await expect(fetch(door[url])).rejects.toThrow("fetch failed");
      expect(await (await fetch(door[url])).text()).toBe("ok");
      expect(door.activity()).toBe(4);
    },
  );

  it("says so when its port is in use", async () => {
    const door = await open({ fetch: () => new Response("ok") });
    await expect(open({ fetch: () => new Response("ok"), port: door.port })).rejects.toThrow(
      "EADDRINUSE",
    );
  });
});
