import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TableClient, TableServiceClient } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createTableStoreOver } from "../../functions/src/platform/azure-table-store.ts";
import { createTableCatalogOver } from "../../functions/src/platform/table-catalog.ts";
import type { TableCatalog } from "../../functions/src/platform/table-catalog.ts";
import type { Row, TableStore } from "../../functions/src/platform/table-store.ts";
import { startAzurite } from "../../local/storage/start-azurite.ts";
import type { Azurite } from "../../local/storage/start-azurite.ts";
import { startTableService } from "../support/azurite-tables.ts";
import { MemoryTableStore } from "../support/memory-table-store.ts";
import { testCertificate } from "../support/test-certificate.ts";

const row = (rowKey: string, columns: Row["columns"] = { n: 1 }): Row => ({
  partitionKey: "202611241200-1",
  rowKey,
  columns,
});

let service: { readonly connectionString: string; close(): Promise<void> };
let azurite: Azurite;
let folder: string;
beforeAll(async () => {
  service = await startTableService();
  folder = await mkdtemp(join(tmpdir(), "causeway-tables-"));
  azurite = await startAzurite({
    certificate: testCertificate,
    dir: join(folder, "azurite"),
    accountName: "causewaytest",
    accountKey: Buffer.alloc(64, 7).toString("base64"),
    log: () => undefined,
  });
});
afterAll(async () => {
  await Promise.all([service.close(), azurite.close()]);
  await rm(folder, { recursive: true });
});

const insecure = { allowInsecureConnection: true };
const openStore = (connectionString: string): TableStore & TableCatalog => ({
  ...createTableStoreOver((table) =>
    TableClient.fromConnectionString(connectionString, table, insecure),
  ),
  ...createTableCatalogOver(TableServiceClient.fromConnectionString(connectionString, insecure)),
});

const stores: readonly [string, () => TableStore & TableCatalog][] = [
  ["the memory store", () => new MemoryTableStore()],
  ["Azure Tables", () => openStore(service.connectionString)],
  ["Azure Tables as the local Azure has them", () => openStore(azurite.connectionString)],
];

let tables = 0;
const freshTable = (): string => `contract${(tables += 1)}`;

describe.each(stores)("%s", (_name, open) => {
  it("has no row and no table before the first write", async () => {
    const store = open();
    const table = freshTable();
    expect(await store.get(table, { partitionKey: "p", rowKey: "r" })).toBeUndefined();
    expect(await store.query(table, { partitionKey: "p" })).toEqual({ rows: [] });
  });

  it("gives back text, numbers, truth values and bytes as they were written", async () => {
    const store = open();
    const table = freshTable();
    const columns = {
      text: "ÅÄÖ 日本",
      whole: -5,
      half: 0.5,
      yes: true,
      bytes: Buffer.from("xyz"),
    };
    await store.write(table, { kind: "insert", row: row("a|ce", columns) });
    const stored = await store.get(table, row("a|ce"));
    expect(stored?.columns["text"]).toBe("ÅÄÖ 日本");
    expect(stored?.columns["whole"]).toBe(-5);
    expect(stored?.columns["half"]).toBe(0.5);
    expect(stored?.columns["yes"]).toBe(true);
    expect(Buffer.from(stored?.columns["bytes"] as Uint8Array).toString()).toBe("xyz");
  });

  it("refuses to go on where no page has ended", async () => {
    const store = open();
    const table = freshTable();
    await store.write(table, { kind: "insert", row: row("a") });
    const query = { partitionKey: row("a").partitionKey, limit: 1 };
    for (const continuation of ["x", "", "e30="]) {
      await expect(store.query(table, { ...query, continuation })).rejects.toMatchObject({
        code: "CONTINUATION_INVALID",
      });
    }
  });

  it("refuses to insert a row twice", async () => {
    const store = open();
    const table = freshTable();
    await store.write(table, { kind: "insert", row: row("a") });
    await expect(store.write(table, { kind: "insert", row: row("a") })).rejects.toMatchObject({
      code: "EXISTS",
    });
  });

  it("replaces only the version that was read", async () => {
    const store = open();
    const table = freshTable();
    const first = await store.write(table, { kind: "insert", row: row("a") });
    const second = await store.write(table, {
      kind: "replace",
      row: row("a", { n: 2 }),
      etag: first,
    });
    expect((await store.get(table, row("a")))?.etag).toBe(second);
    await expect(
      store.write(table, { kind: "replace", row: row("a", { n: 3 }), etag: first }),
    ).rejects.toMatchObject({ code: "CHANGED" });
    expect((await store.get(table, row("a")))?.columns).toEqual({ n: 2 });
  });

  it("keeps the columns that a merge does not name", async () => {
    const store = open();
    const table = freshTable();
    const etag = await store.write(table, {
      kind: "insert",
      row: row("a", { n: 1, body: "kept" }),
    });
    await store.write(table, { kind: "merge", row: row("a", { n: 2 }), etag });
    expect((await store.get(table, row("a")))?.columns).toEqual({ n: 2, body: "kept" });
  });

  it("says ABSENT when the row to change or delete is not there", async () => {
    const store = open();
    const table = freshTable();
    await store.write(table, { kind: "insert", row: row("other") });
    const absent = { code: "ABSENT" };
    await expect(store.write(table, { kind: "delete", keys: row("a") })).rejects.toMatchObject(
      absent,
    );
    await expect(
      store.write(table, { kind: "replace", row: row("a"), etag: 'W/"x"' }),
    ).rejects.toMatchObject(absent);
  });

  it("writes a transaction whole, with the ETag of each row", async () => {
    const store = open();
    const table = freshTable();
    const etags = await store.transaction(table, [
      { kind: "insert", row: row("a") },
      { kind: "upsert", row: row("a|ce") },
    ]);
    expect((await store.get(table, row("a")))?.etag).toBe(etags[0]);
    expect((await store.get(table, row("a|ce")))?.etag).toBe(etags[1]);
  });

  it.each([
    ["EXISTS", { kind: "insert", row: row("there") }],
    ["CHANGED", { kind: "replace", row: row("there"), etag: `W/"datetime'2020'"` }],
    ["ABSENT", { kind: "delete", keys: row("nowhere") }],
  ] as const)("writes nothing of a transaction that fails with %s", async (code, bad) => {
    const store = open();
    const table = freshTable();
    await store.write(table, { kind: "insert", row: row("there") });
    await expect(
      store.transaction(table, [{ kind: "insert", row: row("new") }, bad]),
    ).rejects.toMatchObject({ code });
    expect(await store.get(table, row("new"))).toBeUndefined();
  });

  it("reads a range of a partition in key order, page by page, with chosen columns", async () => {
    const store = open();
    const table = freshTable();
    await store.transaction(
      table,
      ["d", "b", "a", "c"].map((key) => ({
        kind: "insert" as const,
        row: row(key, { n: 1, m: 2 }),
      })),
    );
    const query = { partitionKey: row("").partitionKey, from: "b", select: ["n"], limit: 2 };
    const first = await store.query(table, query);
    expect(first.rows.map((found) => [found.rowKey, found.columns])).toEqual([
      ["b", { n: 1 }],
      ["c", { n: 1 }],
    ]);
    const rest = await store.query(table, { ...query, continuation: first.continuation ?? "" });
    expect(rest.rows.map((found) => found.rowKey)).toEqual(["d"]);
    expect(rest.continuation).toBeUndefined();
  });

  it("reads a range of partitions", async () => {
    const store = open();
    const table = freshTable();
    for (const partitionKey of ["ce|2026112410", "ce|2026112411", "crm|2026112410"]) {
      await store.write(table, { kind: "insert", row: { ...row("a"), partitionKey } });
    }
    const page = await store.query(table, {
      partitionKey: { from: "ce|", below: "ce|2026112411" },
    });
    expect(page.rows.map((found) => found.partitionKey)).toEqual(["ce|2026112410"]);
  });

  it("names its tables, and drops one with its rows, twice without harm", async () => {
    const store = open();
    const [first, second] = [freshTable(), freshTable()];
    for (const table of [first, second]) {
      await store.write(table, { kind: "insert", row: row("a") });
    }
    expect(await store.names()).toEqual(expect.arrayContaining([first, second]));
    await store.drop(first);
    await store.drop(first);
    expect(await store.names()).not.toContain(first);
    expect(await store.get(first, row("a"))).toBeUndefined();
    expect(await store.get(second, row("a"))).toBeDefined();
  });

  it("takes text for bytes in a merge, which is how a column is emptied", async () => {
    const store = open();
    const table = freshTable();
    const columns = { body0: Buffer.from("somebody"), kept: "yes" };
    const etag = await store.write(table, { kind: "insert", row: row("a", columns) });
    await store.write(table, { kind: "merge", row: row("a", { body0: "" }), etag });
    expect((await store.get(table, row("a")))?.columns).toEqual({ body0: "", kept: "yes" });
  });
});
