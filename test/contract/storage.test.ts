import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { TableClient } from "@azure/data-tables";
import { ManagedIdentityCredential } from "@azure/identity";
import { BlobServiceClient } from "@azure/storage-blob";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createBodyStoreOver } from "../../functions/src/platform/body-store.ts";
import { createAccessControl } from "../../local/access-control.ts";
import { systemClock } from "../../local/clock.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import type { FrontDoor } from "../../local/front-door.ts";
import { createIdentityApp } from "../../local/identity/identity-app.ts";
import { startAzurite } from "../../local/storage/start-azurite.ts";
import type { Azurite } from "../../local/storage/start-azurite.ts";
import { enforceStorageRoles } from "../../local/storage/storage-roles.ts";
import { eventually } from "../support/eventually.ts";
import { testCertificate } from "../support/test-certificate.ts";

/** Resolves once the request is refused so. */
async function refusalOf(request: Promise<unknown>, statusCode: number): Promise<void> {
  await expect(request).rejects.toMatchObject({ statusCode });
}

describe("storage for unchanged SDK clients", () => {
  const principalId = "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11";
  const clientId = "bbbbbbbb-35a5-4a8f-8f6b-0f5a2c1f7d11";
  let azurite: Azurite;
  let door: FrontDoor;
  let parentDir: string;

  beforeAll(async () => {
    const identity = await createIdentityApp(
      { clock: systemClock, log: () => undefined },
      { tenantId: "7d1f3a52-35a5-4a8f-8f6b-0f5a2c1f7d11" },
    );
    const identityId = "/subscriptions/s/userAssignedIdentities/app";
    identity.registerManagedIdentity({ resourceId: identityId, principalId, clientId });
    const host = { resourceId: "/subscriptions/s/sites/app", userAssigned: [identityId] };
    door = await startFrontDoor({ fetch: identity.app.fetch });
    process.env["IDENTITY_ENDPOINT"] = `${door.httpUrl}/msi/token`;
    process.env["IDENTITY_HEADER"] = identity.registerHost(host).identityHeader;
    parentDir = await mkdtemp(join(tmpdir(), "causeway-azurite-"));
    azurite = await startAzurite({
      certificate: testCertificate,
      dir: join(parentDir, "azurite"),
      accountName: "causewaytest",
      accountKey: Buffer.alloc(64, 7).toString("base64"),
      log: () => undefined,
    });
  });
  afterAll(async () => {
    await Promise.all([azurite.close(), door.close()]);
    delete process.env["IDENTITY_ENDPOINT"];
    delete process.env["IDENTITY_HEADER"];
    await rm(parentDir, { recursive: true });
  });

  it("one table is written with a managed identity over https and read with the key over http", async () => {
    const byToken = new TableClient(
      azurite.tableEndpoint,
      "open",
      new ManagedIdentityCredential({ clientId }),
    );
    await byToken.createTable();
    await byToken.createEntity({ partitionKey: "ce|2026-11-24T10", rowKey: "e1", hop: 3 });
    const byKey = TableClient.fromConnectionString(azurite.connectionString, "open", {
      allowInsecureConnection: true,
    });
    expect(await byKey.getEntity("ce|2026-11-24T10", "e1")).toMatchObject({ hop: 3 });
    await expect(
      byKey.createEntity({ partitionKey: "ce|2026-11-24T10", rowKey: "e1" }),
    ).rejects.toMatchObject({ statusCode: 409 });
  });

  it("a blob is written with a managed identity and read back with the key", async () => {
    const byToken = new BlobServiceClient(
      azurite.blobEndpoint,
      new ManagedIdentityCredential({ clientId }),
    );
    await byToken.getContainerClient("claim-checks").create();
    await byToken.getContainerClient("claim-checks").getBlockBlobClient("a/b.json").upload("{}", 2);
    const byKey = BlobServiceClient.fromConnectionString(azurite.connectionString);
    const blob = byKey.getContainerClient("claim-checks").getBlockBlobClient("a/b.json");
    expect((await blob.downloadToBuffer()).toString()).toBe("{}");
  });

  it("keeps bodies by name, gives none for a name that it has not, and deletes old months", async () => {
    const bodies = createBodyStoreOver(
      BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
        "claim-checks",
      ),
    );
    const content = new TextEncoder().encode("a body");
    await bodies.put("202601/e1/raw-0", content);
    await bodies.put("202601/e1/raw-0", content);
    await bodies.put("202602/e2/raw-0", content);
    expect(new TextDecoder().decode(await bodies.get("202601/e1/raw-0"))).toBe("a body");
    expect(await bodies.get("202601/e1/body-0")).toBeUndefined();
    expect(await bodies.deleteFoldersBelow("202602")).toBe(1);
    expect(await bodies.get("202601/e1/raw-0")).toBeUndefined();
    expect(await bodies.get("202602/e2/raw-0")).toBeDefined();
    expect(await bodies.deleteFoldersBelow("202602")).toBe(0);
    await bodies.put("202602/e3/raw-0", content);
    await bodies.remove(["202602/e2/raw-0", "202602/e2/never-there"]);
    expect(await bodies.get("202602/e2/raw-0")).toBeUndefined();
    expect(await bodies.get("202602/e3/raw-0")).toBeDefined();
  });

  it("lets a managed identity into the one container at which it holds the role, and into no other", async () => {
    const access = createAccessControl();
    const account = "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/causewaytest";
    const scope = `${account}/blobServices/default/containers/Own`;
    const roleId = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
    const byKey = BlobServiceClient.fromConnectionString(azurite.connectionString);
    await Promise.all(["own", "other"].map((name) => byKey.getContainerClient(name).create()));
    const credential = new ManagedIdentityCredential({ clientId });
    const blobs = new BlobServiceClient(azurite.blobEndpoint, credential);
    const write = (container: string): Promise<unknown> =>
      blobs.getContainerClient(container).getBlockBlobClient("a").upload("a", 1);
    enforceStorageRoles(azurite, access, account);
    access.assign({ principalId, roleId, scope });

    // Until the service has heard of roles it lets everybody in everywhere.
    await eventually(() => refusalOf(write("other"), 403));
    await write("own");
    await eventually(() => {
      expect(access.uses()).toMatchObject([{ scope, count: 1 }]);
      expect(access.refusals()).toMatchObject([
        { resourceId: `${account}/blobservices/default/containers/other`.toLowerCase() },
      ]);
    });
  });

  it("lets a managed identity in where it holds the data role, as roles come and go, and counts the use", async () => {
    const access = createAccessControl();
    const account = "/subscriptions/s/providers/Microsoft.Storage/storageAccounts/causewaytest";
    const tables = { principalId, roleId: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", scope: account };
    const credential = new ManagedIdentityCredential({ clientId });
    const table = new TableClient(azurite.tableEndpoint, "roles", credential);
    const blobs = new BlobServiceClient(azurite.blobEndpoint, credential);
    access.assign(tables);
    enforceStorageRoles(azurite, access, account);
    await eventually(() => refusalOf(blobs.getContainerClient("roles").create(), 403));
    // Of the test before it, the service may still know that test's roles.
    await eventually(() => table.createTable());
    await eventually(() => expect(access.uses()[0]?.count).toBeGreaterThan(0));
    access.revoke(tables);
    const row = { partitionKey: "p", rowKey: "r" };
    await eventually(() => refusalOf(table.upsertEntity(row), 403));
    // The account's key is nobody's role.
    const byKey = TableClient.fromConnectionString(azurite.connectionString, "roles", {
      allowInsecureConnection: true,
    });
    await byKey.createEntity({ ...row, rowKey: "by key" });
  });

  it("leaves neither process nor file behind when it is closed", async () => {
    await azurite.close();
    expect(() => process.kill(azurite.pid, 0)).toThrow("ESRCH");
    expect(await readdir(parentDir)).toEqual([]);
  });
});
