/*
 * Builds the function app: one bundled file with its manifest and the flows, and the zip that is
 * deployed. The same sources give the same bytes, so that the zip's hash tells whether to deploy.
 */
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";
import type { Zippable } from "fflate";
import { buildConsole } from "./build-console.ts";
import { leanTelemetry } from "./lean-telemetry.ts";

export interface BuiltFunctions {
  /** The app as the host loads it. */
  readonly dir: string;
  readonly zip: string;
  /** Of the zip, hex. */
  readonly sha256: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** Packages in the bundle that still `require` at run time find Node's own modules by this. */
const banner = [
  `import { createRequire as causewayCreateRequire } from "node:module";`,
  `import { fileURLToPath as causewayFileURLToPath } from "node:url";`,
  `import { dirname as causewayDirname } from "node:path";`,
  `const require = causewayCreateRequire(import.meta.url);`,
  `const __filename = causewayFileURLToPath(import.meta.url);`,
  `const __dirname = causewayDirname(__filename);`,
].join("\n");

export async function buildFunctions(options: {
  readonly outDir: string;
  /** False: stored as they are. On a laptop the zip travels nowhere, and packing takes half a second of a start. */
  readonly isCompressed?: boolean;
}): Promise<BuiltFunctions> {
  const dir = resolve(options.outDir, "functions");
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  await Promise.all([
    bundleForFunctions(join(root, "functions/src/index.ts"), join(dir, "index.js")),
    cp(join(root, "functions/host.json"), join(dir, "host.json")),
    cp(join(root, "functions/package.json"), join(dir, "package.json")),
    buildConsole(join(dir, "console")),
    cp(join(root, "flows"), join(dir, "flows"), { recursive: true }),
  ]);
  const zip = resolve(options.outDir, "functions.zip");
  const bytes = await pack(dir, options.isCompressed === false ? 0 : 6);
  await writeFile(zip, bytes);
  return { dir, zip, sha256: createHash("sha256").update(bytes).digest("hex") };
}

/** One file as the worker loads it. */
export async function bundleForFunctions(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    // Given by the worker; everything else travels in the bundle.
    external: ["@azure/functions-core"],
    banner: { js: banner },
    plugins: [leanTelemetry],
    mainFields: ["module", "main"],
    // Identifiers stay as they are: errors and traces keep their names, and `keepNames`, which would wrap
    // every function that is made, costs 4 % of the processor time under load.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: "none",
    charset: "utf8",
    logLevel: "error",
    absWorkingDir: root,
  });
}

/** Files in order of name with one fixed time, so that equal contents are equal bytes. */
async function pack(dir: string, level: 0 | 6): Promise<Uint8Array> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const contents: Zippable = {};
  for (const file of files) {
    const name = relative(dir, file).split(sep).join("/");
    contents[name] = [await readFile(file), { mtime: new Date(1980, 0, 1), level }];
  }
  return zipSync(contents);
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  const startedAt = performance.now();
  const built = await buildFunctions({ outDir: join(root, "dist") });
  const { byteLength } = await readFile(built.zip);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(
    `${relative(root, built.zip)}: ${Math.round(byteLength / 1024)} KB, sha256 ${built.sha256}, ${seconds} s\n`,
  );
}
