import type { TokenCredential } from "@azure/identity";

export interface OneDeployOptions {
  /** `https://<app>.scm.azurewebsites.net/api/publish?type=zip` */
  readonly url: string;
  readonly zip: Uint8Array<ArrayBuffer>;
  readonly credential: TokenCredential;
  readonly fetch: typeof globalThis.fetch;
  readonly wait: (ms: number) => Promise<unknown>;
}

/** New roles and a new deployment site take minutes to be known everywhere. */
const MAX_TRIES = 10;
const RETRY_MS = 15_000;
const POLL_MS = 3_000;
const MAX_POLLS = 200;
/** Kudu's deployment states: https://github.com/projectkudu/kudu/wiki/REST-API#deployment */
const FAILED = 3;
const SUCCEEDED = 4;

/** The deployment site is the app's host name with `scm` as its second label. */
export function toPublishUrl(hostName: string): string {
  const [label, ...rest] = hostName.split(".");
  return `https://${[label, "scm", ...rest].join(".")}/api/publish?type=zip`;
}

/**
 * Sends a package to OneDeploy with an Entra token and waits until it is deployed.
 * https://learn.microsoft.com/azure/azure-functions/functions-deployment-technologies#one-deploy
 */
export async function publishPackage(options: OneDeployOptions): Promise<void> {
  const response = await send(options);
  if (response.status !== 202) return;
  const location = response.headers.get("location") ?? "/api/deployments/latest";
  await waitUntilDeployed(new URL(location, options.url).href, options);
}

async function send(options: OneDeployOptions): Promise<Response> {
  const { credential, fetch, url, wait, zip } = options;
  for (let tryNumber = 1; ; tryNumber += 1) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/zip", ...(await toHeaders(credential)) },
      body: zip,
    });
    if (response.ok) return response;
    if (!isPassing(response.status) || tryNumber === MAX_TRIES) {
      const reason = toAddressReason(response) ?? (await response.text()).slice(0, 500);
      throw new Error(`The package was not deployed: ${response.status} ${reason}`);
    }
    await wait(RETRY_MS);
  }
}

/** Said by the front end, before the site: https://github.com/projectkudu/kudu/issues/2945 */
function toAddressReason({ headers, status, statusText }: Response): string | undefined {
  const address = headers.get("x-ms-forbidden-ip");
  if (status !== 403 || (address === null && !/ip forbidden/i.test(statusText))) return undefined;
  return (
    `nobody may send code from ${address ?? "this machine's address"}: add it to causeway:deployFrom, ` +
    "or deploy from inside the stack's network"
  );
}

async function waitUntilDeployed(url: string, options: OneDeployOptions): Promise<void> {
  const { credential, fetch, wait } = options;
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const response = await fetch(url, { headers: await toHeaders(credential) });
    // The deployment site restarts in between and then answers with anything.
    const state = response.ok ? ((await response.json()) as DeploymentState) : {};
    if (state.status === SUCCEEDED) return;
    if (state.status === FAILED) {
      throw new Error(`The deployment failed: ${state.status_text ?? "no reason given"}`);
    }
    await wait(POLL_MS);
  }
  throw new Error(`The deployment did not end within ${(MAX_POLLS * POLL_MS) / 60_000} minutes.`);
}

interface DeploymentState {
  readonly status?: number;
  readonly status_text?: string;
}

/** A grant that is not known everywhere yet looks like one that is missing. */
function isPassing(status: number): boolean {
  return status === 401 || status === 403 || status === 404 || status === 429 || status >= 500;
}

async function toHeaders(credential: TokenCredential): Promise<Record<string, string>> {
  const token = await credential.getToken("https://management.azure.com/.default");
  if (token === null) throw new Error("There is no token for Azure; sign in as for Pulumi.");
  return { authorization: `Bearer ${token.token}` };
}
