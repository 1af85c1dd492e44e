import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { connectGuardFile } from "../../local/connect-guard.ts";

/** Runs a script of this folder in its own process under the connect guard, and gives what it printed. */
export async function runScript(
  name: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const file = fileURLToPath(new URL(name, import.meta.url));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--no-warnings", "--import", connectGuardFile, file],
    { env: { ...process.env, NODE_OPTIONS: "", ...environment } },
  );
  return JSON.parse(stdout) as unknown;
}
