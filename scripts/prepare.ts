import { join } from "node:path";
import { stop } from "esbuild";
import { bundleCached } from "../local/bundle-cached.js";
import { bundleHostProcess } from "../local/functions-host/bundle-host-process.ts";
import { buildIfChanged } from "./build-if-changed.ts";

/**
 * What npm runs at the end of `npm ci`: makes what the first `npm start` would have to make. Nothing depends
 * on it: whatever is missing or older than its sources is made at the start.
 */
const local = join(import.meta.dirname, "..", ".local");
const startedAt = performance.now();
try {
  await Promise.all([
    bundleCached({ entry: "local/start.ts", outDir: join(local, "program") }),
    bundleHostProcess(),
    buildIfChanged(),
  ]);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  process.stdout.write(`bundled the local Azure and the function app in ${seconds} s\n`);
} catch (error) {
  // An install that worked is not to fail for it: the start tries again and says what is wrong.
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(`not bundled yet, npm start will try again: ${reason}\n`);
} finally {
  await stop();
}
