import type { Provider } from "../provider.ts";

export const logicAppsProvider: Provider = {
  resources: {
    "azure-native:logic:Workflow": async (resource, { armId, cloud, inputs }) => {
      const name = inputs.text("workflowName");
      const id = armId("Microsoft.Logic", "workflows", name);
      const { accessEndpoint } = await cloud.workflows.deploy(id, name, resource.inputs);
      return { id, outputs: { accessEndpoint } };
    },
  },
};
