import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { stop } from "esbuild";
import { bundleCached, localProgram, storageProgram } from "../local/bundle-cached.js";
import { loadCertificateAuthority } from "../local/certificate-authority.ts";
import { buildIfChanged } from "./build-if-changed.ts";
import { makeTestRunFolder } from "./test-run-folder.ts";

/**
 * `npm test`: jest as ES modules, with a local certificate authority trusted from the first byte.
 * Node reads NODE_EXTRA_CA_CERTS only when a process starts, which is why jest is started from here.
 * Arguments go to jest as they are: `npm test -- test/unit/delivery`. What one test file has made and another needs
 * lies in a folder of this run's own (`test/support/once-per-run.ts`).
 */
const folder = ".local/test-ca";
await mkdir(folder, { recursive: true });
const { caFile } = await loadCertificateAuthority(folder);
const shared = await makeTestRunFolder(".local");
// Of everything: the first four files would each make the same. Of some files: perhaps none of them needs it.
if (process.argv.length === 2) {
  await Promise.all([bundleCached(localProgram), bundleCached(storageProgram), buildIfChanged()]);
  await stop();
}
const jest = createRequire(import.meta.url).resolve("jest/bin/jest");

const child = spawn(
  process.execPath,
  ["--experimental-vm-modules", "--no-warnings", jest, ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: caFile,
      APPLICATION_INSIGHTS_NO_STATSBEAT: "1",
      CAUSEWAY_TEST_RUN: resolve(shared),
    },
  },
);
// Ctrl+C reaches jest too: this process stays until jest has ended, and cleans up.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("close", (code) => {
  rmSync(shared, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});
