import { join } from "node:path";
import { bundleCached, localProgram } from "../local/bundle-cached.js";

const entry = "bench/local-azure-process.ts";
const outDir = join(import.meta.dirname, "../.local/bench-program");

/**
 * The local Azure's process of a run as plain JavaScript, so that a run measures our code and not the loader's
 * wrapping of it; with it the function app's, or the process that is measured would have to bundle that.
 */
export async function bundleLocalAzure(): Promise<string> {
  await Promise.all([bundleCached({ entries: [entry], outDir }), bundleCached(localProgram)]);
  return join(outDir, "local-azure-process.js");
}
