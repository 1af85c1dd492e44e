import { describe, expect, it } from "@jest/globals";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runScript } from "../support/run-script.ts";

describe("connect guard", () => {
  it("lets out nothing but loopback, names what it refused, and lists it for the parent", async () => {
    const dir = await mkdtemp(join(tmpdir(), "causeway-guard-"));
    const file = join(dir, "refused.jsonl");
    const outcomes = await runScript("reach-outside.js", { CAUSEWAY_REFUSED_CONNECTIONS: file });
    const refused = (target: string): string =>
      `the connect guard refused ${target}: only loopback may be reached`;
    expect(outcomes).toEqual({
      loopback: "connected",
      localhost: "connected",
      tcp: refused("tcp to 192.0.2.1:443"),
      tls: refused("tcp to vault.example:443"),
      http: refused("tcp to metadata.example:80"),
      fetch: refused("tcp to telemetry.example:443"),
      lookup: refused("dns to names.example"),
      resolve: refused("dns to records.example"),
      udp: refused("udp to 192.0.2.2"),
    });
    const listed = (await readFile(file, "utf8")).trim().split("\n");
    expect(listed).toHaveLength(7);
    expect(JSON.parse(listed[0] ?? "")).toMatchObject({
      kind: "tcp",
      host: "192.0.2.1",
      port: 443,
    });
    await rm(dir, { recursive: true });
  });
});
