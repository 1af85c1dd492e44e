import { describe, expect, it } from "@jest/globals";
import { resolveReferences } from "../../../../local/assembly/resolve-references.ts";
import { createAccessControl } from "../../../../local/access-control.ts";
import { SimulatedClock } from "../../../../local/clock.ts";
import { createIdentityApp } from "../../../../local/identity/identity-app.ts";
import { createKeyVaultApp } from "../../../../local/key-vault/key-vault-app.ts";

const vaultId = "/subscriptions/s/providers/Microsoft.KeyVault/vaults/app";
const principalId = "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11";
const secretsUser = "4633458b-17de-408a-b874-0445c86b69e6";
const clock = new SimulatedClock(Date.parse("2026-11-24T08:00:00Z"));
const services = { clock, log: () => undefined };
const identity = await createIdentityApp(services, {
  tenantId: "7d1f3a52-35a5-4a8f-8f6b-0f5a2c1f7d11",
});

async function createScene(audience = "https://vault.azure.net") {
  const access = createAccessControl();
  const vault = createKeyVaultApp({ ...services, access, tokens: identity.tokens });
  vault.createVault({ id: vaultId, name: "app" });
  const clientId = "bbbbbbbb-35a5-4a8f-8f6b-0f5a2c1f7d11";
  const { token } = await identity.issueToken({ principalId, clientId, audience });
  const get = (path: string, authorization = `Bearer ${token}`): Promise<Response> =>
    Promise.resolve(
      vault.app.request(`http://vault/app/secrets/${path}?api-version=7.4`, {
        headers: { authorization },
      }),
    );
  return { access, vault, get };
}

describe("key vault", () => {
  it("gives the newest version, and an older one when asked for it", async () => {
    const { access, vault, get } = await createScene();
    access.assign({ principalId, roleId: secretsUser, scope: vaultId });
    const first = vault.setSecret(vaultId, "crm-secret", "one");
    const second = vault.setSecret(vaultId.toUpperCase(), "CRM-secret", "two");
    expect(await (await get("crm-secret")).json()).toMatchObject({
      value: "two",
      id: `http://vault/app/secrets/crm-secret/${second.version}`,
      attributes: { enabled: true, created: 1_795_507_200 },
    });
    expect(await (await get(`crm-secret/${first.version}`)).json()).toMatchObject({ value: "one" });
  });

  it("holds a role at one secret to that secret", async () => {
    const { access, vault, get } = await createScene();
    access.assign({ principalId, roleId: secretsUser, scope: `${vaultId}/secrets/mine` });
    vault.setSecret(vaultId, "mine", "1");
    vault.setSecret(vaultId, "other", "2");
    expect((await get("mine")).status).toBe(200);
    const refused = await get("other");
    expect(refused.status).toBe(403);
    expect(await refused.json()).toMatchObject({
      error: { code: "Forbidden", innererror: { code: "ForbiddenByRbac" } },
    });
  });

  it("stands behind an app's settings for an identity that may read, and for no other", async () => {
    const { access, vault } = await createScene();
    vault.setSecret(vaultId, "hooks", "the secret");
    const settings = {
      PLAIN: "as it is",
      HOOKS: "@Microsoft.KeyVault(SecretUri=http://127.0.0.1:1/app/secrets/hooks)",
      GONE: "@Microsoft.KeyVault(SecretUri=http://127.0.0.1:1/app/secrets/gone)",
    };
    expect(resolveReferences(settings, vault, principalId)).toEqual(settings);
    access.assign({ principalId, roleId: secretsUser, scope: `${vaultId}/secrets/hooks` });
    expect(resolveReferences(settings, vault, principalId)).toEqual({
      ...settings,
      HOOKS: "the secret",
    });
  });

  it("says where to get a token when there is none", async () => {
    const { get } = await createScene();
    const response = await get("x", "");
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain(
      'resource="https://vault.azure.net"',
    );
  });

  it("refuses a token for another resource", async () => {
    const { get } = await createScene("https://storage.azure.com");
    expect((await get("x")).status).toBe(401);
  });

  it("answers SecretNotFound for a name or version that is not there", async () => {
    const { access, vault, get } = await createScene();
    access.assign({ principalId, roleId: secretsUser, scope: vaultId });
    vault.setSecret(vaultId, "there", "1");
    for (const path of ["absent", "there/0123456789abcdef0123456789abcdef"]) {
      const response = await get(path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: { code: "SecretNotFound" } });
    }
  });
});
