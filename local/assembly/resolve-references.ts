import type { KeyVaultService } from "../key-vault/key-vault-app.ts";

type Settings = Readonly<Record<string, string>>;

/** https://learn.microsoft.com/azure/app-service/app-service-key-vault-references */
const reference = /^@Microsoft\.KeyVault\(SecretUri=[^)]*\/([^/)]+)\/secrets\/([^/)]+)\/?\)$/;

/**
 * App settings as the app gets them: what refers to a secret is that secret, if the app's identity may
 * read it; otherwise, as in Azure, the app finds the reference itself.
 */
export function resolveReferences(
  settings: Settings,
  keyVault: Pick<KeyVaultService, "allows" | "secret" | "vaultId">,
  principalId: string | undefined,
): Settings {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => {
      const [, vault, secret] = reference.exec(value) ?? [];
      if (vault === undefined || secret === undefined || principalId === undefined) {
        return [name, value];
      }
      const vaultId = keyVault.vaultId(vault);
      const isReadable = vaultId !== undefined && keyVault.allows(principalId, vaultId, secret);
      const found = isReadable ? keyVault.secret(vault, secret) : undefined;
      return [name, found?.value ?? value];
    }),
  );
}
