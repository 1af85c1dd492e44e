// `npm ci` runs it last: makes what the first start would otherwise have to make (5 s on two cores).
// Whatever goes wrong here is no reason to have no packages: the start tries again, and says what is wrong.
import "../local/connect-guard-preload.js";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { cliProgram } from "../cli/cli-program.js";
import { bundleCached, localProgram, storageProgram } from "../local/bundle-cached.js";

try {
  await Promise.all([localProgram, storageProgram, cliProgram].map(bundleCached));
  const builder = pathToFileURL(join(localProgram.outDir, "build-if-changed.js")).href;
  const { buildIfChanged } = await import(builder);
  await buildIfChanged();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `The local Azure was not bundled ahead; npm start will try again: ${reason}\n`,
  );
}
