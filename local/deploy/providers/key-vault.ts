import type { Provider } from "../provider.ts";

const PROVIDER = "Microsoft.KeyVault";

export const keyVaultProvider: Provider = {
  resources: {
    "azure-native:keyvault:Vault": async (resource, { armId, cloud, inputs }) => {
      const name = inputs.text("vaultName");
      const id = armId(PROVIDER, "vaults", name);
      await cloud.keyVault.createVault(id, name);
      const vaultUri = cloud.keyVault.vaultUri(name);
      const properties = { ...(resource.inputs["properties"] as object), vaultUri };
      return { id, outputs: { properties } };
    },
    "azure-native:keyvault:Secret": async (_resource, { armId, cloud, inputs }) => {
      const vault = inputs.text("vaultName");
      const name = inputs.text("secretName");
      await cloud.keyVault.setSecret(vault, name, inputs.text("properties.value"));
      const secretUri = `${cloud.keyVault.vaultUri(vault).replace(/\/+$/, "")}/secrets/${name}`;
      return {
        id: armId(PROVIDER, "vaults", vault, "secrets", name),
        // Azure never answers with the value.
        outputs: { properties: { secretUri } },
      };
    },
  },
};
