import { build } from "esbuild";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

export interface BuiltConsole {
  /** Everything that a browser loads, gzipped: bytes. */
  readonly gzippedBytes: number;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** The console's page and assets in `dir`, each asset named by its hash and with its gzip beside it. */
export async function buildConsole(dir: string): Promise<BuiltConsole> {
  await mkdir(dir, { recursive: true });
  const { metafile } = await build({
    entryPoints: { console: join(root, "console/src/main.tsx") },
    outdir: dir,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    entryNames: "[name]-[hash]",
    define: { "process.env.NODE_ENV": '"production"' },
    legalComments: "none",
    charset: "utf8",
    metafile: true,
    logLevel: "error",
    absWorkingDir: root,
    tsconfig: join(root, "console/tsconfig.json"),
  });
  const names = Object.keys(metafile.outputs).map((path) => basename(path));
  const sizes = await Promise.all(names.map((name) => compress(join(dir, name))));
  const page = await readFile(join(root, "console/index.html"), "utf8");
  await writeFile(join(dir, "index.html"), toPage(page, names));
  const size = await compress(join(dir, "index.html"));
  return { gzippedBytes: sizes.reduce((sum, each) => sum + each, size) };
}

function toPage(page: string, names: readonly string[]): string {
  const find = (extension: string): string => {
    const name = names.find((each) => each.endsWith(extension));
    if (name === undefined) throw new Error(`the console's build made no ${extension} file`);
    return `/api/console/${name}`;
  };
  return page.replace("{{script}}", find(".js")).replace("{{style}}", find(".css"));
}

async function compress(path: string): Promise<number> {
  const bytes = gzipSync(await readFile(path), { level: 9 });
  await writeFile(`${path}.gz`, bytes);
  return bytes.byteLength;
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(script).href) {
  const { gzippedBytes } = await buildConsole(join(root, "dist/console"));
  process.stdout.write(`dist/console: ${Math.round(gzippedBytes / 1024)} KB gzipped\n`);
}
