import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface StartCommand {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
}

/**
 * `npm start -- …` without npm. It leads a process group of its own, as in a terminal, so that Ctrl+C
 * can be sent to everything that belongs to it and not to the tests.
 */
export function runStartCommand(flags: readonly string[]): StartCommand {
  const child = spawn(process.execPath, ["--import", "tsx", "local/start.ts", ...flags], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1" },
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined) throw new Error("local/start.ts could not be started");
  return {
    child,
    pid,
    stdout: collect(stdout),
    stderr: collect(stderr),
    ended: new Promise((resolve) => {
      child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
    }),
  };
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
