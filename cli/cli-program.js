// JavaScript, since it is read before any TypeScript can be loaded.
import { join } from "node:path";

/** The command line, for `bundleCached`. */
export const cliProgram = {
  entries: ["cli/causeway.ts"],
  outDir: join(import.meta.dirname, "../.local/cli"),
};
