import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { loadCertificateAuthority } from "../local/certificate-authority.ts";

/**
 * `npm test`: jest as ES modules, with a local certificate authority trusted from the first byte.
 * Node reads NODE_EXTRA_CA_CERTS only when a process starts, which is why jest is started from here.
 * Arguments go to jest as they are: `npm test -- test/unit/delivery`.
 */
const folder = ".local/test-ca";
await mkdir(folder, { recursive: true });
const { caFile } = await loadCertificateAuthority(folder);
const jest = createRequire(import.meta.url).resolve("jest/bin/jest");

const child = spawn(
  process.execPath,
  ["--experimental-vm-modules", "--no-warnings", jest, ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: { ...process.env, NODE_EXTRA_CA_CERTS: caFile, APPLICATION_INSIGHTS_NO_STATSBEAT: "1" },
  },
);
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});
