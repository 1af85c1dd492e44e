import * as pulumi from "@pulumi/pulumi";
import { RoleAssignment } from "@pulumi/azure-native/authorization/index.js";
import { v5 as uuidv5 } from "uuid";
import type { RoleId } from "../roles.ts";

export interface RoleArgs {
  readonly principalId: pulumi.Input<string>;
  readonly role: RoleId;
  /** The smallest ARM scope that does. */
  readonly scope: pulumi.Input<string>;
  readonly description: string;
}

/** Namespace of our UUIDv5 names; any constant does, it must only never change. */
const NAMES = "5c1f6e2a-6f0e-4d0c-9c57-2f7b0a3f8a11";

/**
 * Grants a role. The name is a GUID made of scope, principal and role: the same grant keeps its name
 * over deployments, and a new principal gets a new one, because Azure refuses to change an assignment.
 */
export function assignRole(name: string, args: RoleArgs, parent: pulumi.Resource): RoleAssignment {
  const ids = pulumi.all([args.scope, args.principalId]);
  return new RoleAssignment(
    name,
    {
      roleAssignmentName: ids.apply(([scope, principalId]) =>
        uuidv5([scope.toLowerCase(), principalId, args.role].join("|"), NAMES),
      ),
      principalId: args.principalId,
      // Without it Azure looks the principal up, and a new identity is not there yet for minutes.
      principalType: "ServicePrincipal",
      roleDefinitionId: ids.apply(([scope]) => toRoleDefinitionId(scope, args.role)),
      scope: args.scope,
      description: args.description,
    },
    { parent },
  );
}

function toRoleDefinitionId(scope: string, role: RoleId): string {
  const subscriptionId = scope.split("/")[2] ?? "";
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
}
