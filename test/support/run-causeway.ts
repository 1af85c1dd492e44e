import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../cli/causeway.js", import.meta.url));
const limitMs = 60_000;

export interface CausewayRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `causeway …` as an operator calls it, against the local Azure of that folder. */
export function runCauseway(folder: string, args: readonly string[]): Promise<CausewayRun> {
  return new Promise((resolve, reject) => {
    const command = [program, ...args, "--folder", folder];
    const env = { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1" };
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
