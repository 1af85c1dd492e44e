import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFunctions, type BuiltFunctions } from "./build-functions.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
/** Everything that decides the bundle's bytes. */
const sources = [
  "functions",
  "console",
  "schemas",
  "flows",
  "scripts/build-functions.ts",
  "scripts/build-console.ts",
  "package-lock.json",
];

/** The built function app; what an earlier call made from the same sources is used again (saves 2 s a start). */
export async function buildIfChanged(options: {
  readonly outDir: string;
}): Promise<BuiltFunctions> {
  const stampFile = join(options.outDir, "built-from.json");
  const builtFrom = await hashSources();
  const stored = await readStamp(stampFile);
  if (stored?.builtFrom === builtFrom) {
    const { dir, zip, sha256 } = stored;
    const bytes = await readFile(zip).catch(() => undefined);
    if (bytes !== undefined && hash(bytes) === sha256) return { dir, zip, sha256 };
  }
  const built = await buildFunctions({ ...options, isCompressed: false });
  await writeFile(stampFile, JSON.stringify({ builtFrom, ...built }));
  return built;
}

interface Stamp extends BuiltFunctions {
  readonly builtFrom: string;
}

async function readStamp(file: string): Promise<Stamp | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Stamp;
  } catch {
    // Absent or half written: build.
    return undefined;
  }
}

async function hashSources(): Promise<string> {
  const names = await Promise.all(sources.map(listFiles));
  const files = names.flat().sort();
  const contents = await Promise.all(files.map((file) => readFile(file)));
  return hash(files.flatMap((file, index) => [file, contents[index] ?? ""]));
}

async function listFiles(source: string): Promise<readonly string[]> {
  const path = join(root, source);
  if (/\.\w+$/.test(source)) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

function hash(parts: Uint8Array | readonly (string | Uint8Array)[]): string {
  const digest = createHash("sha256");
  for (const part of parts instanceof Uint8Array ? [parts] : parts) digest.update(part);
  return digest.digest("hex");
}
