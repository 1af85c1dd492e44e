import type { Provider } from "../provider.ts";

export const resourcesProvider: Provider = {
  resources: {
    "azure-native:resources:ResourceGroup": (_resource, { cloud, inputs }) => ({
      id: `/subscriptions/${cloud.subscriptionId}/resourceGroups/${inputs.text("resourceGroupName")}`,
    }),
  },
};
