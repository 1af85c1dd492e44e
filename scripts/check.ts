import { spawn } from "node:child_process";

/**
 * `npm run check`: everything that reads the code without running it. Two at a time, since the machines
 * that run it have two cores; the output of a step is printed only when it fails.
 */
const steps: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "types", command: ["tsc", "-p", "tsconfig.json"] },
  { name: "console types", command: ["tsc", "-p", "console/tsconfig.json"] },
  { name: "lint", command: ["eslint", "."] },
  { name: "format", command: ["prettier", "--check", "--log-level", "warn", "."] },
  {
    name: "dependency rules",
    command: ["depcruise", "--config", ".dependency-cruiser.cjs", "--output-type", "err", "."],
  },
  { name: "unused code", command: ["knip"] },
  {
    name: "generated types are current",
    command: ["node", "--import", "tsx", "scripts/generate-types.ts", "--check"],
  },
  { name: "flows and mappings", command: ["node", "--import", "tsx", "scripts/check-flows.ts"] },
  { name: "workflows", command: ["node", "--import", "tsx", "scripts/check-workflows.ts"] },
];

const only = process.argv.slice(2);
const wanted = only.length === 0 ? steps : steps.filter(({ name }) => only.includes(name));
const failures: string[] = [];
const queue = [...wanted];

await Promise.all([worker(), worker()]);
process.stdout.write(
  failures.length === 0
    ? `check: ${wanted.length} of ${wanted.length} fine\n`
    : `check: failed: ${failures.join(", ")}\n`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

async function worker(): Promise<void> {
  for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
    const startedAt = performance.now();
    const { code, output } = await run(step.command);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    process.stdout.write(`${code === 0 ? "✓" : "✗"} ${step.name} (${seconds} s)\n`);
    if (code === 0) continue;
    failures.push(step.name);
    process.stdout.write(`${output}\n`);
  }
}

function run(
  command: readonly string[],
): Promise<{ readonly code: number; readonly output: string }> {
  const [program = "", ...args] = command;
  const isNode = program === "node";
  return new Promise((resolve) => {
    const child = spawn(isNode ? process.execPath : `node_modules/.bin/${program}`, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, FORCE_COLOR: "0" },
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => resolve({ code: 1, output: error.message }));
    child.on("close", (code) =>
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString("utf8") }),
    );
  });
}
