import type * as pulumi from "@pulumi/pulumi";
import { ManagementLockByScope } from "@pulumi/azure-native/authorization/managementLockByScope.js";

/**
 * Keeps a resource, and everything below it, from being deleted by anybody and any tool. Whoever really
 * wants to, removes the lock first; data in tables and queues stays free to be written and deleted.
 */
export function lockAgainstDeletion(
  name: string,
  scope: pulumi.Input<string>,
  parent: pulumi.Resource,
): ManagementLockByScope {
  return new ManagementLockByScope(
    `${name}-lock`,
    {
      scope,
      lockName: "causeway-keeps-data",
      level: "CanNotDelete",
      notes: "Holds data or keys of Causeway; docs/deploy.md says how to remove a stack.",
    },
    { parent },
  );
}
