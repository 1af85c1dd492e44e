// What `npm start` runs: bundles the local Azure into plain JavaScript, unless an earlier start has done so from
// the same sources, and hands over to it.
//
// The connect guard has to be in force before anything else is loaded.
import "./connect-guard-preload.js";
import module from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleCached, localProgram } from "./bundle-cached.js";

const root = dirname(import.meta.dirname);

// From Node 22 on: what V8 made of the modules is used again by the next start.
module.enableCompileCache?.(join(root, ".local/compile-cache"));

// Stack traces name the sources; reading the maps costs nothing until something is thrown.
if (process.argv.includes("--verbose")) process.setSourceMapsEnabled(true);
await bundleCached(localProgram);
await import(pathToFileURL(join(localProgram.outDir, "start.js")).href);
