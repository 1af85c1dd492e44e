import { X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";
import { hasErrorCode } from "./error-code.ts";

/** What a local https server presents; all three are PEM. */
export interface LocalCertificate {
  readonly key: string;
  readonly cert: string;
  /** The authority that signed `cert`; a client trusts it through NODE_EXTRA_CA_CERTS. */
  readonly ca: string;
}

const dayMs = 24 * 60 * 60 * 1000;
// Apple platforms refuse server certificates that live longer: https://support.apple.com/en-us/103769
const lifetimeMs = 397 * dayMs;
const renewBeforeMs = 30 * dayMs;

/**
 * The certificate for localhost, 127.0.0.1 and ::1 kept in `dir`, made on first use and again when it nears
 * its end. The authority's own key is thrown away after signing: what `dir` holds can vouch for this
 * machine's loopback and for nothing else, so trusting `caFile` is harmless.
 */
export async function loadCertificateAuthority(
  dir: string,
): Promise<{ readonly caFile: string; readonly certificate: LocalCertificate }> {
  const caFile = join(dir, "ca.pem");
  const stored = await readStored(dir);
  if (stored !== undefined && isFresh(stored)) return { caFile, certificate: stored };
  const certificate = await makeCertificate();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // The authority goes last: whoever finds it finds the other two as well.
  await replaceFile(join(dir, "localhost-key.pem"), certificate.key);
  await replaceFile(join(dir, "localhost.pem"), certificate.cert);
  await replaceFile(caFile, certificate.ca);
  return { caFile, certificate };
}

async function readStored(dir: string): Promise<LocalCertificate | undefined> {
  try {
    const [key, cert, ca] = await Promise.all(
      ["localhost-key.pem", "localhost.pem", "ca.pem"].map((name) =>
        readFile(join(dir, name), "utf8"),
      ),
    );
    return key === undefined || cert === undefined || ca === undefined
      ? undefined
      : { key, cert, ca };
  } catch (error) {
    if (hasErrorCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** False also for files that do not belong together, as two processes starting at once may leave. */
function isFresh({ cert, ca }: LocalCertificate): boolean {
  try {
    const leaf = new X509Certificate(cert);
    const authority = new X509Certificate(ca);
    return (
      leaf.verify(authority.publicKey) &&
      Date.parse(leaf.validTo) - Date.now() > renewBeforeMs &&
      Date.parse(authority.validTo) - Date.now() > renewBeforeMs
    );
  } catch {
    return false;
  }
}

async function makeCertificate(): Promise<LocalCertificate> {
  const validity = {
    algorithm: "sha256",
    // A day in the past, for clocks that disagree a little.
    notBeforeDate: new Date(Date.now() - dayMs),
    notAfterDate: new Date(Date.now() + lifetimeMs - dayMs),
  };
  const authority = await generate([{ name: "commonName", value: "Causeway local authority" }], {
    ...validity,
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...validity,
    keyType: "ec",
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
    ca: { key: authority.private, cert: authority.cert },
  });
  return { key: leaf.private, cert: leaf.cert, ca: authority.cert };
}

async function replaceFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, file);
}
