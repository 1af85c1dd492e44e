import { loadCertificateAuthority } from "../../local/certificate-authority.ts";

/** Where the test run keeps its authority; NODE_EXTRA_CA_CERTS must name its ca.pem before jest starts. */
export const testAuthorityDir = ".local/test-ca";

/** The certificate that SDK clients inside the test process trust. */
export const { certificate: testCertificate, caFile: testCaFile } =
  await loadCertificateAuthority(testAuthorityDir);
