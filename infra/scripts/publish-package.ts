/**
 * Sends the function app's zip to Azure with the deployer's own Entra token: no az CLI, no publishing
 * password, no storage key. Pulumi runs it after roles and rules exist.
 */
import { readFile } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { createDeployerCredential } from "./deployer-credential.ts";
import { publishPackage } from "./one-deploy.ts";

const { CAUSEWAY_PUBLISH_URL: url, CAUSEWAY_PACKAGE: path } = process.env;
if (url === undefined || path === undefined) {
  throw new Error(
    "usage: CAUSEWAY_PUBLISH_URL=https://<app>.scm.azurewebsites.net/api/publish?type=zip " +
      "CAUSEWAY_PACKAGE=dist/functions.zip node --import tsx infra/scripts/publish-package.ts",
  );
}
const credential = createDeployerCredential(process.env);
await publishPackage({ url, zip: new Uint8Array(await readFile(path)), credential, fetch, wait });
