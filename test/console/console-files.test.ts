import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createConsoleFiles } from "../../functions/src/operator/console-files.ts";
import type { ConsoleFiles } from "../../functions/src/operator/console-files.ts";
import { buildConsole } from "../../scripts/build-console.ts";
import type { AppConfig } from "../../functions/src/platform/config.ts";
import { appConfig } from "../support/app-config.ts";

const maxGzippedBytes = 300 * 1024;
const operator = {
  authority: "https://login.microsoftonline.com",
  tenantId: "9c2f3d3e-6f0e-4f0f-8a51-0d6a8f1f2b11",
  audiences: ["api://causeway"],
  allowEdits: false,
  replayPerSecond: 50,
};
const config = appConfig({ operator, console: { clientId: "c-1" } });

let folder: string;
let files: ConsoleFiles;
let gzippedBytes: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causeway-console-"));
  ({ gzippedBytes } = await buildConsole(folder));
  files = createConsoleFiles(folder, config);
});

const from = { acceptsGzip: false, clientIp: null };

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the console's files", () => {
  it("are at most 300 KB gzipped in total", () => {
    expect(gzippedBytes).toBeLessThanOrEqual(maxGzippedBytes);
  });

  it("let the page talk to itself and the sign-in only", async () => {
    const { headers } = await files.get("", from);
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' https://login.microsoftonline.com; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers["cache-control"]).toBe("no-cache");
  });

  it("are cached for ever by their hash, packed for those who unpack", async () => {
    const script = (await readdir(folder)).find((name) => /^console-\w{8}\.js$/.test(name)) ?? "";
    expect(await files.get(script, { ...from, acceptsGzip: true })).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "content-encoding": "gzip",
        "cache-control": "public, max-age=31536000, immutable",
      },
    });
    expect((await files.get(script, from)).headers["content-encoding"]).toBeUndefined();
  });

  it("are for those addresses only from which the stack is operated", async () => {
    const operator = { ...config.operator, addresses: ["10.0.0.0/8"] } as AppConfig["operator"];
    const closed = createConsoleFiles(folder, { ...config, operator });
    const statusOf = async (clientIp: string | null): Promise<number> =>
      (await closed.get("", { ...from, clientIp })).status;

    expect(await statusOf("10.40.0.132:50122")).toBe(200);
    expect(await statusOf("203.0.113.9:50122")).toBe(403);
  });

  it("are never anything outside their folder", async () => {
    for (const path of ["../host.json", "..%2fhost.json", "/etc/passwd", "index.html/..", "x.js"]) {
      expect((await files.get(path, from)).status).toBe(404);
    }
  });

  it("tell the page where to sign in, and nothing that is secret", async () => {
    const { body } = await files.get("settings.json", from);
    expect(JSON.parse(String(body))).toMatchObject({
      signIn: { clientId: "c-1", scope: "api://causeway/.default offline_access" },
      simulation: null,
    });
    const unset = createConsoleFiles(folder, appConfig());
    expect(JSON.parse(String((await unset.get("settings.json", from)).body))).toMatchObject({
      signIn: null,
    });
  });
});
