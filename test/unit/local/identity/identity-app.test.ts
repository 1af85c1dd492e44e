import { describe, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SimulatedClock } from "../../../../local/clock.ts";
import { toDirectoryId } from "../../../../local/identity/directory.ts";
import { createIdentityApp } from "../../../../local/identity/identity-app.ts";
import type { IdentityService } from "../../../../local/identity/identity-app.ts";

const tenantId = "7d1f3a52-35a5-4a8f-8f6b-0f5a2c1f7d11";
const intake = {
  resourceId: "/subscriptions/s/userAssignedIdentities/intake",
  principalId: "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11",
  clientId: "bbbbbbbb-35a5-4a8f-8f6b-0f5a2c1f7d11",
};
const start = Date.parse("2026-03-01T00:00:00Z");
const clock = new SimulatedClock(start);
const services = { clock, log: () => undefined };
const identity = await createIdentityApp(services, { tenantId, wallClockMs: () => start });
identity.registerManagedIdentity(intake);
identity.registerClient({
  clientId: "cccccccc-35a5-4a8f-8f6b-0f5a2c1f7d11",
  clientSecret: "open sesame",
  principalId: "dddddddd-35a5-4a8f-8f6b-0f5a2c1f7d11",
});

const askToken = (form: Record<string, string>, tenant = tenantId): Promise<Response> =>
  Promise.resolve(
    identity.app.request(`/${tenant}/oauth2/v2.0/token`, {
      method: "POST",
      body: new URLSearchParams(form),
    }),
  );
const goodForm = {
  grant_type: "client_credentials",
  client_id: "cccccccc-35a5-4a8f-8f6b-0f5a2c1f7d11",
  client_secret: "open sesame",
  scope: "https://causeway.example/.default",
};

describe("client credentials", () => {
  it("give a token for the audience that the scope names", async () => {
    const answer = (await (await askToken(goodForm)).json()) as { access_token: string };
    expect(
      await identity.tokens.verify(answer.access_token, ["https://causeway.example/"]),
    ).toEqual({
      issuer: `https://sts.windows.net/${tenantId}/`,
      audience: "https://causeway.example",
      principalId: "dddddddd-35a5-4a8f-8f6b-0f5a2c1f7d11",
      clientId: "cccccccc-35a5-4a8f-8f6b-0f5a2c1f7d11",
      tenantId,
    });
  });

  it.each([
    ["an unknown client", { ...goodForm, client_id: "nobody" }, 400, 700016, "unauthorized_client"],
    ["a wrong secret", { ...goodForm, client_secret: "no" }, 401, 7000215, "invalid_client"],
    ["a scope without /.default", { ...goodForm, scope: "x" }, 400, 1002012, "invalid_scope"],
    [
      "another grant",
      { ...goodForm, grant_type: "password" },
      400,
      70003,
      "unsupported_grant_type",
    ],
    ["no grant", { scope: "x/.default" }, 400, 900144, "invalid_request"],
  ])("are refused for %s as Entra does", async (_what, form, status, code, error) => {
    const response = await askToken(form);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      error,
      error_codes: [code],
      error_description: expect.stringContaining(`AADSTS${code}: `),
      timestamp: "2026-03-01 00:00:00Z",
    });
  });

  it("are refused in a tenant that is not there", async () => {
    expect(await (await askToken(goodForm, "elsewhere")).json()).toMatchObject({
      error_codes: [90002],
    });
  });
});

describe("managed identity endpoint", () => {
  const { identityHeader } = identity.registerHost({
    resourceId: "/subscriptions/s/sites/app",
    userAssigned: [intake.resourceId.toUpperCase()],
  });
  const other = identity.registerHost({ resourceId: "/subscriptions/s/sites/b", userAssigned: [] });
  const ask = (header: string): Promise<Response> =>
    Promise.resolve(
      identity.app.request(
        `/msi/token?api-version=2019-08-01&resource=https://vault.azure.net&client_id=${intake.clientId}`,
        { headers: { "x-identity-header": header } },
      ),
    );

  it("gives a host its own identity's token for a day", async () => {
    expect(await (await ask(identityHeader)).json()).toMatchObject({
      resource: "https://vault.azure.net",
      token_type: "Bearer",
      client_id: intake.clientId,
      expires_on: "1772409600",
    });
  });

  it("refuses a wrong header, and an identity that is another host's", async () => {
    expect((await ask("guess")).status).toBe(401);
    expect((await ask(other.identityHeader)).status).toBe(400);
  });
});

describe("token check", () => {
  const issue = async (from: IdentityService): Promise<string> =>
    (await from.issueToken({ ...intake, audience: "https://storage.azure.com" })).token;

  it("accepts the audience with and without a slash at its end, and no other", async () => {
    const token = await issue(identity);
    const claims = await identity.tokens.verify(token, ["https://storage.azure.com/"]);
    expect(claims.principalId).toBe(intake.principalId);
    await expect(identity.tokens.verify(token, ["https://vault.azure.net"])).rejects.toThrow(
      "audience is https://storage.azure.com, expected https://vault.azure.net",
    );
  });

  it("refuses a token of another issuer's key, and one that is none", async () => {
    const forger = await createIdentityApp(services, { tenantId });
    const audiences = ["https://storage.azure.com"];
    await expect(identity.tokens.verify(await issue(forger), audiences)).rejects.toThrow(
      "signature",
    );
    await expect(identity.tokens.verify("abc", audiences)).rejects.toThrow("not a signed JSON");
  });

  it("keeps its key between starts, and refuses another tenant's token under the same key", async () => {
    const dir = await mkdtemp(join(tmpdir(), "causeway-issuer-"));
    const issuerKeyFile = join(dir, "keys", "issuer.pem");
    const first = await createIdentityApp(services, { tenantId, issuerKeyFile });
    const second = await createIdentityApp(services, { tenantId, issuerKeyFile });
    const other = await createIdentityApp(services, { tenantId: intake.clientId, issuerKeyFile });
    const audiences = ["https://storage.azure.com"];
    await second.tokens.verify(await issue(first), audiences);
    await expect(second.tokens.verify(await issue(other), audiences)).rejects.toMatchObject({
      code: "TOKEN_ISSUER_INVALID",
    });
    await rm(dir, { recursive: true });
  });

  it("refuses a token an hour later", async () => {
    const ownClock = new SimulatedClock(start);
    const own = await createIdentityApp(
      { clock: ownClock, log: () => undefined },
      { tenantId, wallClockMs: () => ownClock.now() },
    );
    const token = await issue(own);
    await ownClock.advance(59 * 60_000);
    await own.tokens.verify(token, ["https://storage.azure.com"]);
    await ownClock.advance(2 * 60_000);
    await expect(own.tokens.verify(token, ["https://storage.azure.com"])).rejects.toThrow(
      "expired",
    );
  });
});

describe("directory ids", () => {
  it("are the same for a name on every start, whatever its case", () => {
    expect(toDirectoryId("principal", "/Subscriptions/S")).toBe(
      toDirectoryId("principal", "/subscriptions/s"),
    );
    expect(toDirectoryId("client", "/subscriptions/s")).not.toBe(
      toDirectoryId("principal", "/subscriptions/s"),
    );
  });
});
