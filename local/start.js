// What `npm start` runs: the local Azure as plain JavaScript, which `npm ci` has bundled, or which is bundled
// now if its sources changed since.
//
// The connect guard has to be in force before anything else is loaded.
import "./connect-guard-preload.js";
import module from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleCached } from "./bundle-cached.js";

const root = dirname(import.meta.dirname);

// From Node 22 on: what V8 made of the modules is used again by the next start.
module.enableCompileCache?.(join(root, ".local/compile-cache"));

// Stack traces name the sources; reading the maps costs nothing until something is thrown.
if (process.argv.includes("--verbose")) process.setSourceMapsEnabled(true);
const outDir = join(root, ".local/program");
await bundleCached({ entry: "local/start.ts", outDir });
await import(pathToFileURL(join(outDir, "start.js")).href);
