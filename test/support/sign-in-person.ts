import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "../../local/environment.ts";
import { toDirectoryId } from "../../local/identity/directory.ts";

/** A token for the operator API as one of the local tenant's three people, by the console's own way in. */
export async function signInPerson(
  { console: page, identity, operator }: Environment,
  role: "Reader" | "Operator" | "Approver",
): Promise<string> {
  const verifier = randomBytes(32).toString("base64url");
  const redirect = new URL("/api/console", page.url).href;
  const asked = new URLSearchParams({
    client_id: toDirectoryId("client", "console"),
    redirect_uri: redirect,
    response_type: "code",
    scope: `${operator.audience}/.default`,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  const base = `${identity.baseUrl}/${identity.tenantId}/oauth2/v2.0`;
  const picked = await fetch(`${base}/authorize?${asked.toString()}`, {
    method: "POST",
    body: new URLSearchParams({ role }),
    redirect: "manual",
  });
  const code = new URL(picked.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const answer = await fetch(`${base}/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: toDirectoryId("client", "console"),
      code,
      redirect_uri: redirect,
      code_verifier: verifier,
    }),
  });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

/** A folder with an `az` in it that is signed in as whoever the token is for. */
export async function createSignedInAz(folder: string, token: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const expiresOn = Math.floor(Date.now() / 1_000) + 3_600;
  const answer = JSON.stringify({ accessToken: token, expires_on: expiresOn, tokenType: "Bearer" });
  const file = join(folder, "az");
  await writeFile(file, `#!/bin/sh\ncat <<'EOF'\n${answer}\nEOF\n`);
  await chmod(file, 0o755);
  return folder;
}
