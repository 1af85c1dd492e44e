import {
  AzureCliCredential,
  ChainedTokenCredential,
  ClientAssertionCredential,
  ClientSecretCredential,
  DefaultAzureCredential,
  type TokenCredential,
} from "@azure/identity";

/**
 * Signs in as Pulumi's Azure provider does, so that one sign-in serves both: the ARM_* settings
 * (https://www.pulumi.com/registry/packages/azure-native/installation-configuration/), else whoever is
 * signed in to the az CLI: a build machine's own identity comes last, as it is not the one that deploys.
 */
export function createDeployerCredential(
  env: Readonly<Record<string, string | undefined>>,
): TokenCredential {
  const { ARM_CLIENT_ID: clientId, ARM_TENANT_ID: tenantId, ARM_CLIENT_SECRET: secret } = env;
  if (clientId === undefined || tenantId === undefined) return createSignedInCredential();
  const assertion = createAssertionSource(env);
  if (assertion !== undefined) return new ClientAssertionCredential(tenantId, clientId, assertion);
  if (secret !== undefined) return new ClientSecretCredential(tenantId, clientId, secret);
  return createSignedInCredential();
}

function createSignedInCredential(): TokenCredential {
  return new ChainedTokenCredential(new AzureCliCredential(), new DefaultAzureCredential());
}

/** Federated sign-in: a token that is given, or GitHub's, asked for anew when it is needed. */
function createAssertionSource(
  env: Readonly<Record<string, string | undefined>>,
): (() => Promise<string>) | undefined {
  const given = env["ARM_OIDC_TOKEN"];
  if (given !== undefined) return () => Promise.resolve(given);
  const url = env["ARM_OIDC_REQUEST_URL"] ?? env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const token = env["ARM_OIDC_REQUEST_TOKEN"] ?? env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  return url === undefined || token === undefined ? undefined : () => requestAssertion(url, token);
}

async function requestAssertion(requestUrl: string, token: string): Promise<string> {
  const url = new URL(requestUrl);
  url.searchParams.set("audience", "api://AzureADTokenExchange");
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const { value } = (await response.json()) as { readonly value?: string };
  if (value === undefined) throw new Error(`There is no federated token: ${response.status}`);
  return value;
}
