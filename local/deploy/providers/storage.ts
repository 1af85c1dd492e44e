import type { HandlerContext, Provider } from "../provider.ts";

const PROVIDER = "Microsoft.Storage";

export const storageProvider: Provider = {
  resources: {
    "azure-native:storage:StorageAccount": async (_resource, { armId, cloud, inputs }) => {
      const name = inputs.text("accountName");
      const id = armId(PROVIDER, "storageAccounts", name);
      await cloud.storage.createAccount(id, name);
      return { id, outputs: { primaryEndpoints: await cloud.storage.endpoints() } };
    },
    // Soft delete: nothing local lives long enough to be undeleted.
    "azure-native:storage:BlobServiceProperties": (_resource, context) => ({
      id: within(context, "blobServices", "default"),
    }),
    "azure-native:storage:BlobContainer": async (_resource, context) => {
      const name = context.inputs.text("containerName");
      await context.cloud.storage.createContainer(name);
      return { id: within(context, "blobServices", "default", "containers", name) };
    },
    "azure-native:storage:Table": async (_resource, context) => {
      const name = context.inputs.text("tableName");
      await context.cloud.storage.createTable(name);
      return { id: within(context, "tableServices", "default", "tables", name) };
    },
  },
};

function within({ armId, inputs }: HandlerContext, ...segments: readonly string[]): string {
  return armId(PROVIDER, "storageAccounts", inputs.text("accountName"), ...segments);
}
