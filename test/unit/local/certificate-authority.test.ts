import { afterEach, describe, expect, it } from "@jest/globals";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadCertificateAuthority } from "../../../local/certificate-authority.ts";

describe("certificate authority", () => {
  const dirs: string[] = [];
  const newDir = async (): Promise<string> => {
    const dir = await mkdtemp(join(tmpdir(), "causeway-ca-"));
    dirs.push(dir);
    return join(dir, "authority");
  };
  afterEach(async () => {
    await Promise.all(dirs.splice(0).map((dir) => rm(dir, { recursive: true })));
  });

  it("keeps its certificate between starts", async () => {
    const dir = await newDir();
    const first = await loadCertificateAuthority(dir);
    expect(await loadCertificateAuthority(dir)).toEqual(first);
    expect(await readFile(first.caFile, "utf8")).toBe(first.certificate.ca);
  });

  it("lets nobody else read the private key", async () => {
    const dir = await newDir();
    await loadCertificateAuthority(dir);
    const { mode } = await stat(join(dir, "localhost-key.pem"));
    expect(mode & 0o777).toBe(0o600);
  });

  it("makes a new one when the stored files do not belong together", async () => {
    const [dir, otherDir] = [await newDir(), await newDir()];
    const first = await loadCertificateAuthority(dir);
    const other = await loadCertificateAuthority(otherDir);
    await writeFile(first.caFile, other.certificate.ca);
    const second = await loadCertificateAuthority(dir);
    expect(second.certificate.cert).not.toBe(first.certificate.cert);
    expect(await loadCertificateAuthority(dir)).toEqual(second);
  });
});
