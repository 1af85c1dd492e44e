import { execFile } from "node:child_process";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../cli/causeway.js", import.meta.url));
/** Less than a test may take: what hangs is named. */
const limitMs = 500_000;

export interface CausewayRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * `causeway …` as an operator calls it, against the local Azure of that folder. `bin`: a folder whose programs
 * (an `az` that is signed in) come before the machine's.
 */
export function runCauseway(
  folder: string,
  args: readonly string[],
  bin?: string,
): Promise<CausewayRun> {
  return new Promise((resolve, reject) => {
    const command = [program, ...args, "--folder", folder];
    const path = process.env["PATH"] ?? "";
    const env = {
      ...process.env,
      NODE_OPTIONS: "",
      NO_COLOR: "1",
      PATH: bin === undefined ? path : `${bin}${delimiter}${path}`,
    };
    const child = execFile(
      process.execPath,
      command,
      { env, timeout: limitMs, maxBuffer: 16_000_000 },
      (_error, stdout, stderr) => {
        const { exitCode } = child;
        if (exitCode !== null) resolve({ exitCode, stdout, stderr });
        else reject(new Error(`causeway ${args.join(" ")} ended without an exit code: ${stderr}`));
      },
    );
    // There is no terminal to be asked on.
    child.stdin?.end();
  });
}
