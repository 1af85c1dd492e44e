// What `npm start` runs: bundles the local Azure into plain JavaScript, unless an earlier start has done so from
// the same sources, and hands over to it. With tsx, loading the same modules takes twice the processor time.
//
// It has to be JavaScript itself, and the connect guard has to be in force before anything else is loaded.
import "./connect-guard-preload.js";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import module from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const root = dirname(import.meta.dirname);
const outDir = join(root, ".local/program");
const stampFile = join(outDir, "built-from.json");
const entry = "local/start.ts";

// From Node 22 on: what V8 made of the packages is used again by the next start.
module.enableCompileCache?.(join(root, ".local/compile-cache"));

// Stack traces name the sources; reading the maps costs nothing until something is thrown.
if (process.argv.includes("--verbose")) process.setSourceMapsEnabled(true);
if (!(await isCurrent())) await bundle();
await import(pathToFileURL(join(outDir, "start.js")).href);

/** Sizes and times of change of all inputs, as when the bundle was made: looking takes 10 ms, reading 40. */
async function isCurrent() {
  try {
    const { inputs, stamp } = JSON.parse(await readFile(stampFile, "utf8"));
    return (await stampOf(inputs)) === stamp;
  } catch {
    // Absent, half written, or an input is gone: bundle.
    return false;
  }
}

async function bundle() {
  const { build } = await import("esbuild");
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: outDir,
    bundle: true,
    // What is imported later stays in files of its own, so that storage starts before it is loaded.
    splitting: true,
    write: false,
    metafile: true,
    sourcemap: "linked",
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "error",
    plugins: [{ name: "keep-places", setup: keepPlaces }],
  });
  const inputs = [...Object.keys(metafile.inputs), "local/start.js", "package-lock.json"];
  const stamp = await stampOf(inputs);
  await mkdir(outDir, { recursive: true });
  await Promise.all(outputFiles.map(({ path, contents }) => replaceFile(path, contents)));
  await replaceFile(stampFile, JSON.stringify({ inputs, stamp }));
  await removeOthers([stampFile, ...outputFiles.map(({ path }) => path)]);
}

/** Names carry a hash of their content: what an earlier bundle left would pile up. */
async function removeOthers(paths) {
  const left = (await readdir(outDir)).filter((name) => !paths.includes(join(outDir, name)));
  await Promise.all(left.map((name) => rm(join(outDir, name), { force: true })));
}

/** Modules find files beside themselves by `import.meta`: each keeps the place of its source. */
function keepPlaces({ onLoad }) {
  onLoad({ filter: /\.ts$/ }, async ({ path }) => {
    const source = await readFile(path, "utf8");
    const contents = source
      .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
      .replaceAll("import.meta.dirname", JSON.stringify(dirname(path)));
    return { contents, loader: "ts" };
  });
}

async function stampOf(inputs) {
  const stats = await Promise.all(inputs.map((input) => stat(join(root, input))));
  const facts = stats.map(({ size, mtimeMs }, index) => [inputs[index], size, mtimeMs]);
  return createHash("sha256")
    .update(JSON.stringify([relative("/", root), facts]))
    .digest("hex");
}

/** Written aside and renamed: two runs may start at once. */
async function replaceFile(path, contents) {
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, contents);
  await rename(aside, path);
}
