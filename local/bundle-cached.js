// Bundles programs of ours with every package that they use into plain JavaScript, unless an earlier call has
// done so from the same sources. Loading the local Azure's modules one by one took 2.5 s of processor time;
// its bundle takes 1.1 s.
//
// It has to be JavaScript itself: it is what `npm start` begins with, before any TypeScript can be loaded.
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";

const root = dirname(import.meta.dirname);

// Some packages are CommonJS and ask for Node's own modules with `require`.
const banner =
  'import { createRequire as causewayRequire } from "node:module";const require = causewayRequire(import.meta.url);';

/**
 * Whoever calls something of these, or makes one, fails with the package's name. Pulumi loads the first two to
 * send functions of a program to the cloud as code, which no program of ours does: a fifth of what there is to
 * load. Azurite loads the others for metadata in an SQL database and for its telemetry, both off: two thirds.
 */
const unused = /^(typescript|@npmcli\/arborist|sequelize|tedious|mysql2|applicationinsights)$/;

/** What `npm start` runs: itself, the process that holds the function app, and what builds that app. */
export const localProgram = {
  entries: [
    "local/start.ts",
    "local/functions-host/host-process.ts",
    "scripts/build-if-changed.ts",
  ],
  outDir: join(root, ".local/program"),
};

/** Apart from the others, so that a change of ours does not bundle it again. */
export const storageProgram = {
  entries: ["local/storage/azurite-process.js"],
  outDir: join(root, ".local/storage"),
};

/** `sourceMaps: false` for what reads them at every error, and is not debugged. */
export async function bundleCached({ entries, outDir, sourceMaps = true }) {
  const stampFile = join(outDir, "built-from.json");
  if (!(await isCurrent(stampFile))) await bundle({ entries, outDir, sourceMaps }, stampFile);
}

/** Sizes and times of change of all inputs, as when the bundle was made: looking takes 10 ms, reading 40. */
async function isCurrent(stampFile) {
  try {
    const { inputs, stamp } = JSON.parse(await readFile(stampFile, "utf8"));
    return (await stampOf(inputs)) === stamp;
  } catch {
    // Absent, half written, or an input is gone: bundle.
    return false;
  }
}

async function bundle({ entries, outDir, sourceMaps }, stampFile) {
  const { build } = await import("esbuild");
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries,
    entryNames: "[name]",
    outdir: outDir,
    bundle: true,
    // What is imported later stays in files of its own, so that storage starts before it is loaded.
    splitting: true,
    write: false,
    metafile: true,
    sourcemap: sourceMaps && "linked",
    sourcesContent: false,
    platform: "node",
    format: "esm",
    target: "node20",
    mainFields: ["module", "main"],
    banner: { js: banner },
    // Runs a program of its own from its own folder.
    external: ["esbuild"],
    // Not identifiers: classes keep their names in errors.
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "error",
    plugins: [
      { name: "keep-places", setup: keepPlaces },
      { name: "leave-out", setup: leaveOut },
    ],
  });
  // Packages change with the lock file. What has a colon is no file.
  const ours = Object.keys(metafile.inputs).filter((path) => !/node_modules|:/.test(path));
  const inputs = [...ours, "local/bundle-cached.js", "package-lock.json"];
  const stamp = await stampOf(inputs);
  await mkdir(outDir, { recursive: true });
  await Promise.all(outputFiles.map(({ path, contents }) => replaceFile(path, contents)));
  await replaceFile(stampFile, JSON.stringify({ inputs, stamp }));
  await removeOthers(outDir, [stampFile, ...outputFiles.map(({ path }) => path)]);
}

/**
 * Names carry a hash of their content: what an earlier bundle left would pile up. What another run is writing aside
 * stays.
 */
async function removeOthers(outDir, paths) {
  const isKept = (name) => paths.includes(join(outDir, name)) || asideName.test(name);
  const left = (await readdir(outDir)).filter((name) => !isKept(name));
  await Promise.all(left.map((name) => rm(join(outDir, name), { force: true })));
}

/** Modules find files beside themselves by `import.meta`: each of ours keeps the place of its source. */
function keepPlaces({ onLoad }) {
  onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
    if (path.includes("node_modules")) return undefined;
    const source = await readFile(path, "utf8");
    const contents = source
      .replace(/import\.meta\.url/g, JSON.stringify(pathToFileURL(path).href))
      .replace(/import\.meta\.dirname/g, JSON.stringify(dirname(path)));
    return { contents, loader: path.endsWith(".ts") ? "ts" : "js" };
  });
}

function leaveOut({ onResolve, onLoad }) {
  onResolve({ filter: unused }, ({ path }) => ({ path, namespace: "unused" }));
  onLoad({ filter: /./, namespace: "unused" }, ({ path }) => ({
    contents: leftOut(path),
    loader: "js",
  }));
}

/** Can be asked for members and extended, as modules do while they load; fails when it is called. */
function leftOut(path) {
  const message = `${path} is left out of the local Azure, and something of it was called`;
  return `
    const fail = () => { throw new Error(${JSON.stringify(message)}); };
    const leftOut = new Proxy(function () {}, {
      get: (target, name) =>
        name === "__esModule" || name === "then" || typeof name === "symbol" ? undefined
        : name === "prototype" ? target.prototype
        : leftOut,
      apply: fail,
      construct: fail,
    });
    module.exports = leftOut;`;
}

async function stampOf(inputs) {
  const stats = await Promise.all(inputs.map((input) => stat(join(root, input))));
  const facts = stats.map(({ size, mtimeMs }, index) => [inputs[index], size, mtimeMs]);
  return createHash("sha256")
    .update(JSON.stringify([relative("/", root), facts]))
    .digest("hex");
}

const asideName = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Written aside and renamed: two runs may start at once. */
async function replaceFile(path, contents) {
  const aside = `${path}.${randomUUID()}`;
  await writeFile(aside, contents);
  await rename(aside, path);
}
