import type { Provider } from "../provider.ts";

export const resourcesProvider: Provider = {
  resources: {
    "azure-native:resources:ResourceGroup": (_resource, { cloud, inputs }) => ({
      id: `/subscriptions/${cloud.subscriptionId}/resourceGroups/${inputs.text("resourceGroupName")}`,
    }),
    // Nothing local outlives its process, so there is nothing to lock.
    "azure-native:authorization:ManagementLockByScope": (_resource, { inputs }) => ({
      id: `${inputs.text("scope")}/providers/Microsoft.Authorization/locks/${inputs.text("lockName")}`,
    }),
    "azure-native:security:DefenderForStorage": (_resource, { inputs }) => ({
      id: `${inputs.text("resourceId")}/providers/Microsoft.Security/defenderForStorageSettings/${inputs.text("settingName")}`,
    }),
  },
};
