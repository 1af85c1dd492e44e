import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The IPC channel closes when the tests end in whatever way: nothing of theirs outlives them. */
const exitWithParent = fileURLToPath(
  new URL("../../local/storage/exit-with-parent.js", import.meta.url),
);
const root = fileURLToPath(new URL("../..", import.meta.url));

export interface StartCommand {
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
  const child = spawn(process.execPath, ["--import", exitWithParent, "local/start.js", ...flags], {
    cwd: root,
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1" },
  });
  const { pid, stdout, stderr } = child;
  if (pid === undefined || stdout === null || stderr === null)
    throw new Error("local/start.js could not be started");
  return {
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
