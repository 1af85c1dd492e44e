import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The sample-style app as a package that the same Pulumi program deploys in Causeway's place. */
export async function buildSampleApp(folder: string): Promise<string> {
  const dir = join(folder, "sample-app");
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  const outfile = join(dir, "index.cjs");
  await build({
    entryPoints: [join(root, "bench/sample-app/sample-app.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20",
    external: ["@azure/functions-core"],
    logLevel: "error",
  });
  const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const zip = join(folder, "sample-app.zip");
  const files = {
    "index.cjs": await readFile(outfile),
    "package.json": text({ name: "sample-app", private: true, main: "index.cjs" }),
    "host.json": await readFile(join(root, "functions/host.json")),
  };
  await writeFile(zip, zipSync(files, { level: 0 }));
  return zip;
}
