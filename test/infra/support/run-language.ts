import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { bundleCached } from "../../../local/bundle-cached.js";
import { connectGuardFile } from "../../../local/connect-guard.ts";

/*
 * The SDK's language runner in a process of its own. `pulumi up` loads it and the program module by module, the
 * program by tsx, which takes half of a run: who wants the wire alone has both from bundles.
 */

export interface LanguageOptions {
  readonly stack: string;
  /** `<namespace>:<key>` → text. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
  /** True answers as `pulumi preview` does: nothing that Azure decides is known. */
  readonly isPreview: boolean;
  /** As `pulumi up` does it, or from bundles. */
  readonly loadedBy: "tsx" | "bundle";
  /** For who wants to see that no error is printed with its stack: from a bundle, errors have none otherwise. */
  readonly hasStacks?: boolean;
}

const root = join(import.meta.dirname, "../../..");
/** A quarter of a minute on an idle machine; other work may take most of it. Less than a test may take. */
const TIME_LIMIT_MS = 500_000;

/** What Node is started with up to the runner's flags, and the program. */
async function toCommand({
  hasStacks = false,
  loadedBy,
}: LanguageOptions): Promise<{ readonly runner: readonly string[]; readonly program: string }> {
  if (loadedBy === "tsx") {
    const runner = createRequire(import.meta.url).resolve("@pulumi/pulumi/cmd/run");
    // The SDK renders a stack for each of some thousand promises: a quarter of a run.
    return {
      runner: ["--stack-trace-limit=5", "--import", "tsx", runner],
      program: "infra/index.ts",
    };
  }
  const outDir = join(root, ".local/engine");
  const entries = ["test/infra/support/engine-runner.js", "infra/index.ts"];
  await bundleCached({ entries, outDir, sourceMaps: false });
  const runner = join(outDir, "engine-runner.js");
  return {
    runner: [`--stack-trace-limit=${hasStacks ? 5 : 0}`, runner],
    program: ".local/engine/index.js",
  };
}

export async function runLanguage(
  address: string,
  options: LanguageOptions,
): Promise<{ readonly exitCode: number; readonly printed: readonly string[] }> {
  const { program, runner } = await toCommand(options);
  const { config, isPreview, secretKeys, stack } = options;
  const flags = {
    monitor: address,
    engine: address,
    project: "causeway",
    stack,
    organization: "organization",
    "root-directory": root,
    pwd: root,
    parallel: "16",
    "dry-run": String(isPreview),
  };
  const child = spawn(
    process.execPath,
    [
      ...["--import", connectGuardFile, ...runner],
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
      program,
    ],
    {
      cwd: root,
      timeout: TIME_LIMIT_MS,
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        PULUMI_NODEJS_TYPESCRIPT: "false",
        PULUMI_CONFIG: JSON.stringify(config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(secretKeys),
      },
    },
  );
  const printed: string[] = [];
  child.stdout.on("data", (chunk: Buffer) => printed.push(chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => printed.push(chunk.toString("utf8")));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ exitCode: code ?? 1, printed }));
  });
}
