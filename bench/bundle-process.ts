import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build as bundle } from "esbuild";
import type { Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * One plain JavaScript file of a process of ours, so that a run measures our code and not the loader's
 * wrapping of it. Packages stay outside; files keep finding what lies beside their sources.
 */
export async function bundleProcess(entry: string, outfile: string): Promise<string> {
  const file = join(root, ".local/bench", outfile);
  await bundle({
    entryPoints: [join(root, entry)],
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    plugins: [keepPlaces],
    logLevel: "error",
  });
  return file;
}

/** In a bundle `import.meta` would be the bundle's own. */
const keepPlaces: Plugin = {
  name: "keep-places",
  setup: (build) => {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      const contents = text
        .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
        .replaceAll("import.meta.dirname", JSON.stringify(join(path, "..")));
      return { contents, loader: "ts" };
    });
  },
};
