export type KeyVaultErrorCode =
  | "Unauthorized" // no token, or one that is not for Key Vault
  | "Forbidden" // no role
  | "BadParameter" // api-version is missing
  | "SecretNotFound"
  | "VaultNotFound"; // in Azure the host name would not resolve

const statuses: Readonly<Record<KeyVaultErrorCode, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  BadParameter: 400,
  SecretNotFound: 404,
  VaultNotFound: 404,
};

/** Key Vault's answer; `subject` is the name, the caller or the reason that its message tells. */
export function toKeyVaultError(code: KeyVaultErrorCode, subject: string): Response {
  const error = {
    code,
    message: toMessage(code, subject),
    ...(code === "Forbidden" && { innererror: { code: "ForbiddenByRbac" } }),
  };
  const headers = new Headers();
  if (code === "Unauthorized") {
    // SDK clients take from here for which resource to ask a token.
    headers.set(
      "www-authenticate",
      'Bearer authorization="https://login.windows.net/common", resource="https://vault.azure.net"',
    );
  }
  return Response.json({ error }, { status: statuses[code], headers });
}

function toMessage(code: KeyVaultErrorCode, subject: string): string {
  switch (code) {
    case "Unauthorized":
      return subject;
    case "Forbidden":
      return `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${subject}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nAssignment: (not found)\r\n`;
    case "BadParameter":
      return "api-version must be specified";
    case "SecretNotFound":
      return `A secret with (name/id) ${subject} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`;
    case "VaultNotFound":
      return `There is no vault ${subject} in the local Azure.`;
  }
}
