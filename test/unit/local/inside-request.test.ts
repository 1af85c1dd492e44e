import { describe, expect, it } from "@jest/globals";
import { Hono } from "hono";
import { createInsideRequest } from "../../../local/inside-request.ts";

function send(body?: string): Request {
  return createInsideRequest({
    url: "http://127.0.0.1:7071/a%20b?q=1",
    method: body === undefined ? "GET" : "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded", "x-other": "ü" },
    body: body === undefined ? undefined : Buffer.from(body),
  });
}

describe("a request within the process", () => {
  it("is what a service asks of any request", async () => {
    const request = send("name=Zoë");

    expect(request).toBeInstanceOf(Request);
    expect([request.method, request.url]).toEqual(["POST", "http://127.0.0.1:7071/a%20b?q=1"]);
    expect(request.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect(await request.text()).toBe("name=Zoë");
    expect(Buffer.from(await request.arrayBuffer()).toString()).toBe("name=Zoë");
  });

  it("has no body where none was sent", async () => {
    expect(await send().text()).toBe("");
    expect((await send().arrayBuffer()).byteLength).toBe(0);
    expect(send().body).toBeNull();
  });

  it("is made whole for what is asked seldom", async () => {
    expect((await send("name=a").blob()).size).toBe(6);
    expect(await send("name=a").clone().text()).toBe("name=a");
    expect(send("name=a").signal.aborted).toBe(false);
  });

  it("has the address that Request makes of one without a path", () => {
    const request = createInsideRequest({
      ...{ url: "http://127.0.0.1:7071", method: "GET", headers: {}, body: undefined },
    });
    expect(request.url).toBe("http://127.0.0.1:7071/");
  });

  it("is answered by a service", async () => {
    const app = new Hono();
    app.post("/:name", async (c) =>
      c.json({ name: c.req.param("name"), ...(await c.req.parseBody()) }),
    );

    expect(await (await app.fetch(send("x=y"))).json()).toEqual({ name: "a b", x: "y" });
  });
});
