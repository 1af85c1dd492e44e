import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { writeFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startFunctionsHost } from "../../../local/functions-host/start-functions-host.ts";
import type {
  FunctionsHost,
  FunctionsHostOptions,
} from "../../../local/functions-host/start-functions-host.ts";

const appDir = fileURLToPath(new URL("../../support/fixture-app", import.meta.url));

describe("the Functions host with an unchanged app", () => {
  const log: string[] = [];
  let host: FunctionsHost;
  let dir: string;
  let options: FunctionsHostOptions;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "functions-host-"));
    const caFile = join(dir, "ca.pem");
    await writeFile(caFile, "");
    options = {
      appDir,
      appSettings: { ONE_QUEUE: "one", GREETING: "hello" },
      caFile,
      hostKeys: { default: "host-key", functions: { hello: "hello-key" }, master: "master-key" },
      identity: { endpoint: "http://127.0.0.1:1/token", header: "secret" },
      log: (line) => void log.push(line),
    };
    host = await startFunctionsHost(options);
  });

  afterAll(async () => {
    await host.close();
    await rm(dir, { recursive: true });
  });

  const get = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`${host.baseUrl}${path}`, init);

  it("lists the functions of every file that main names", () => {
    expect(host.functions).toEqual([
      "seen",
      "hello",
      "open",
      "crash",
      "environment",
      "tick",
      "ticks",
    ]);
  });

  it("gives an HTTP function its parameters, query and body and returns what it answers", async () => {
    const response = await get("/api/hello/Ada?q=1&code=hello-key", {
      method: "POST",
      body: "text",
    });
    expect(response.status).toBe(201);
    expect(await response.json()).toEqual({ name: "Ada", q: "1", text: "text" });
    expect(response.headers.get("set-cookie")).toBe("seen=1; Max-Age=10; SameSite=Strict");
  });

  it.each([
    ["no key", {}, 401],
    ["another key", { "x-functions-key": "host-ke" }, 401],
    ["the host key", { "x-functions-key": "host-key" }, 201],
    ["the function's key", { "x-functions-key": "hello-key" }, 201],
    ["the master key", { "x-functions-key": "master-key" }, 201],
  ])("answers a keyed function called with %s", async (_, headers, status) => {
    expect((await get("/api/hello", { headers: headers as Record<string, string> })).status).toBe(
      status,
    );
  });

  it("answers 204 for no result, 404 for an unknown route or method and 500 for a failure", async () => {
    expect((await get("/api/open")).status).toBe(204);
    expect((await get("/api/nothing")).status).toBe(404);
    expect((await get("/api/open", { method: "DELETE" })).status).toBe(404);
    expect((await get("/api/crash")).status).toBe(500);
  });

  it("logs one line for a failed invocation, without the body that its error quotes", async () => {
    await get("/api/crash");
    expect(log.filter((line) => line.includes("crash")).at(-1)).toBe(
      "Executed 'Functions.crash' (Failed): SyntaxError",
    );
    expect(log.join("\n")).not.toContain("secret body");
  });

  it("gives the app its settings and nothing else of its parent's environment", async () => {
    process.env["PARENTS_SECRET"] = "1";
    const names = (await (await get("/api/environment")).json()) as string[];
    expect(names).toContain("GREETING");
    expect(names).toContain("IDENTITY_HEADER");
    expect(names).not.toContain("PARENTS_SECRET");
  });

  it("runs a timer by hand with the master key only", async () => {
    const run = (key: string): Promise<Response> =>
      get("/admin/functions/tick", { method: "POST", headers: { "x-functions-key": key } });
    expect((await run("host-key")).status).toBe(401);
    expect((await run("master-key")).status).toBe(202);
    expect(await (await get("/api/ticks")).json()).toBe(1);
  });

  it("comes back on the same port after a restart and after a crash", async () => {
    const { port, pid } = host;
    await host.restart();
    expect(host.port).toBe(port);
    expect(host.pid).not.toBe(pid);
    const second = host.pid;
    process.kill(second, "SIGKILL");
    let status: number | undefined;
    while (status === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
      status = await get("/api/open").then(
        (response) => response.status,
        () => undefined,
      );
    }
    expect(status).toBe(204);
    expect(host.pid).not.toBe(second);
  });

  it("is not ready from the moment in which it is killed until another process is", async () => {
    const { pid } = host;
    host.kill();
    expect(host.isReady).toBe(false);
    while (!host.isReady) await new Promise((resolve) => setImmediate(resolve));
    expect(host.pid).not.toBe(pid);
    expect((await get("/api/open")).status).toBe(204);
  });

  it("says which setting is missing", async () => {
    const broken = startFunctionsHost({
      ...options,
      appSettings: { ServiceBus__fullyQualifiedNamespace: "localhost:1" },
    });
    await expect(broken).rejects.toThrow("'%ONE_QUEUE%' does not resolve to a value.");
  });

  it("says which binding it does not know", async () => {
    const broken = startFunctionsHost({ ...options, appDir: `${appDir}-unsupported` });
    await expect(broken).rejects.toThrow("Function copy has a binding of type queueTrigger");
  });

  it("says that there is no app", async () => {
    const broken = startFunctionsHost({ ...options, appDir: `${appDir}/functions` });
    await expect(broken).rejects.toMatchObject({ code: "APP_NOT_FOUND" });
  });

  it("says that a port is in use", async () => {
    const second = startFunctionsHost({ ...options, port: host.port });
    await expect(second).rejects.toMatchObject({ code: "PORT_IN_USE" });
  });
});
