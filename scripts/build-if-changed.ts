import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildFunctions, type BuiltFunctions } from "./build-functions.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const builds = join(root, ".local/build");
/** Everything that decides the bundle's bytes. */
const sources = [
  "functions",
  "console",
  "schemas",
  "flows",
  "scripts/build-functions.ts",
  "scripts/build-console.ts",
  "scripts/lean-telemetry.ts",
  "package-lock.json",
];

/**
 * The built function app, in a folder named for its sources; what an earlier call made from the same ones is
 * used again (saves 2 s a start), whichever run made it.
 */
export async function buildIfChanged(): Promise<BuiltFunctions> {
  const place = join(builds, (await hashSources()).slice(0, 16));
  const known = await readBuilt(place);
  if (known !== undefined) return known;
  await mkdir(builds, { recursive: true });
  await removeOthers(place);
  // Made aside and renamed: two runs may start at once, and whoever is later uses what is there.
  const aside = `${place}.${randomUUID()}`;
  const { sha256 } = await buildFunctions({ outDir: aside, isCompressed: false });
  await writeFile(join(aside, "sha256"), sha256);
  await rename(aside, place).catch(() => rm(aside, { recursive: true, force: true }));
  const built = await readBuilt(place);
  if (built === undefined) throw new Error(`the function app was built, but is not in ${place}`);
  return built;
}

/** Only whole: what a crash or a hand left half is built again. */
async function readBuilt(place: string): Promise<BuiltFunctions | undefined> {
  const zip = join(place, "functions.zip");
  try {
    const [sha256, bytes] = await Promise.all([
      readFile(join(place, "sha256"), "utf8"),
      readFile(zip),
    ]);
    if (hash(bytes) === sha256) return { dir: join(place, "functions"), zip, sha256 };
    await rm(place, { recursive: true, force: true });
  } catch {
    // Absent: build.
  }
  return undefined;
}

/** Builds of other sources; what is just being made aside has a dot in its name. */
async function removeOthers(place: string): Promise<void> {
  const others = (await readdir(builds)).map((name) => join(builds, name));
  const old = others.filter((path) => path !== place && !/\.\w+/.test(path.slice(builds.length)));
  await Promise.all(old.map((path) => rm(path, { recursive: true, force: true })));
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
