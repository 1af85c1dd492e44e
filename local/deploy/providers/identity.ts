import { nameFromArmId } from "../arm-id.ts";
import type { Provider } from "../provider.ts";

export const identityProvider: Provider = {
  resources: {
    "azure-native:managedidentity:UserAssignedIdentity": (_resource, { armId, cloud, inputs }) => {
      const provider = "Microsoft.ManagedIdentity";
      const id = armId(provider, "userAssignedIdentities", inputs.text("resourceName"));
      const { clientId, principalId } = cloud.identities.createManagedIdentity(id);
      return { id, outputs: { clientId, principalId, tenantId: cloud.tenantId } };
    },
    "azure-native:authorization:RoleAssignment": (_resource, { cloud, inputs }) => {
      const scope = inputs.text("scope");
      cloud.access.assign({
        principalId: inputs.text("principalId"),
        roleId: nameFromArmId(inputs.text("roleDefinitionId")),
        scope,
      });
      const name = inputs.text("roleAssignmentName");
      return { id: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}` };
    },
  },
  calls: {
    "azure-native:authorization:getClientConfig": (_inputs, { subscriptionId, tenantId }) => ({
      subscriptionId,
      tenantId,
      clientId: "00000000-0000-0000-0000-000000000000",
      objectId: "00000000-0000-0000-0000-000000000000",
    }),
  },
};
