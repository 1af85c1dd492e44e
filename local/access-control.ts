import type { AccessControl, RoleAssignment } from "./cloud.ts";

/** Role assignments as Azure applies them: a role holds at its scope and at everything below it. */
export function createAccessControl(): AccessControl {
  const byPrincipal = new Map<string, Map<string, RoleAssignment>>();
  return {
    assign: (assignment) => {
      const principal = assignment.principalId.toLowerCase();
      const own = byPrincipal.get(principal) ?? new Map<string, RoleAssignment>();
      const key = `${assignment.roleId.toLowerCase()} ${toComparableId(assignment.scope)}`;
      byPrincipal.set(principal, own.set(key, assignment));
    },
    allows: (principalId, roleIds, resourceId) => {
      const own = byPrincipal.get(principalId.toLowerCase());
      if (own === undefined) return false;
      const resource = toComparableId(resourceId);
      const wanted = roleIds.map((roleId) => roleId.toLowerCase());
      return [...own.values()].some(
        ({ roleId, scope }) =>
          wanted.includes(roleId.toLowerCase()) && isAtOrAbove(toComparableId(scope), resource),
      );
    },
    assignments: () => [...byPrincipal.values()].flatMap((own) => [...own.values()]),
  };
}

/** ARM ids ignore case; the root scope "/" becomes "", which is above everything. */
function toComparableId(armId: string): string {
  return armId.toLowerCase().replace(/\/+$/, "");
}

function isAtOrAbove(scope: string, resource: string): boolean {
  return resource === scope || resource.startsWith(`${scope}/`);
}
