import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What `npm start` tells other programs about itself; written to `.local/environment.json` (design 10). */
export interface Environment {
  readonly eventGrid: { readonly endpoint: string; readonly key: string };
  readonly serviceBus: { readonly connectionString: string };
  readonly storage: { readonly connectionString: string };
  /**
   * `key` opens the HTTPS door: header `x-functions-key` or query `code`. `masterKey` in that header opens
   * `POST /admin/functions/<name>`, which runs a timer now.
   */
  readonly functions: {
    readonly baseUrl: string;
    readonly key: string;
    readonly masterKey: string;
  };
  readonly finance: { readonly baseUrl: string };
  readonly dataverse: { readonly baseUrl: string };
  readonly crm: { readonly baseUrl: string };
  readonly mail: { readonly baseUrl: string; readonly smtpPort: number };
  readonly monitor: { readonly baseUrl: string };
  readonly identity: {
    readonly baseUrl: string;
    readonly tenantId: string;
    readonly clientId: string;
    readonly clientSecret: string;
  };
  /** The API of the command line and the console; the client of `identity` has every role in it. */
  readonly operator: { readonly baseUrl: string; readonly audience: string };
  readonly console: { readonly url: string };
  readonly processes: { readonly local: number; readonly functions: number };
}

/** Written beside and renamed, so that a reader never sees half a file; for this user's eyes only. */
export async function writeEnvironment(folder: string, environment: Environment): Promise<void> {
  await mkdir(folder, { recursive: true });
  const beside = join(folder, `environment.${process.pid}.json`);
  await writeFile(beside, `${JSON.stringify(environment, null, 2)}\n`, { mode: 0o600 });
  await rename(beside, join(folder, "environment.json"));
}

export async function removeEnvironment(folder: string): Promise<void> {
  await rm(join(folder, "environment.json"), { force: true });
}
