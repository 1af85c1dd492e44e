import type { Refusal, RoleAdministration, RoleAssignment } from "./cloud.ts";

/** Role assignments as Azure applies them: a role holds at its scope and at everything below it. */
export function createAccessControl(): RoleAdministration {
  const byPrincipal = new Map<string, Map<string, RoleAssignment>>();
  const counts = new Map<RoleAssignment, number>();
  const refused = new Map<string, Map<string, Refusal>>();
  const listeners: (() => void)[] = [];
  const changed = (principal: string): void => {
    refused.delete(principal);
    for (const listener of listeners) listener();
  };
  const refuse = (refusal: Refusal): false => {
    const own = refused.get(refusal.principalId) ?? new Map<string, Refusal>();
    const key = `${refusal.resourceId} ${refusal.roleIds.join(" ")}`;
    refused.set(refusal.principalId, own.set(key, refusal));
    return false;
  };
  const assignments = (): readonly RoleAssignment[] =>
    [...byPrincipal.values()].flatMap((own) => [...own.values()]);
  return {
    assign: (assignment) => {
      const principal = assignment.principalId.toLowerCase();
      const own = byPrincipal.get(principal) ?? new Map<string, RoleAssignment>();
      byPrincipal.set(principal, own.set(toKey(assignment), assignment));
      changed(principal);
    },
    allows: (principalId, roleIds, resourceId) => {
      const principal = principalId.toLowerCase();
      const own = byPrincipal.get(principal);
      const resource = toComparableId(resourceId);
      const wanted = roleIds.map((roleId) => roleId.toLowerCase());
      const allowing = [...(own?.values() ?? [])].find(
        ({ roleId, scope }) =>
          wanted.includes(roleId.toLowerCase()) && isAtOrAbove(toComparableId(scope), resource),
      );
      if (allowing === undefined) {
        return refuse({ principalId: principal, roleIds: wanted, resourceId: resource });
      }
      counts.set(allowing, (counts.get(allowing) ?? 0) + 1);
      return true;
    },
    assignments,
    revoke: (assignment) => {
      const principal = assignment.principalId.toLowerCase();
      byPrincipal.get(principal)?.delete(toKey(assignment));
      changed(principal);
    },
    holders: (roleIds, resourceId) => {
      const resource = toComparableId(resourceId);
      const own = assignments().filter(
        ({ roleId, scope }) =>
          roleIds.includes(roleId.toLowerCase()) && isAtOrAbove(toComparableId(scope), resource),
      );
      return own.map(({ principalId }) => principalId.toLowerCase());
    },
    watch: (listener) => void listeners.push(listener),
    refusals: () => [...refused.values()].flatMap((own) => [...own.values()]),
    uses: () => assignments().map((one) => ({ ...one, count: counts.get(one) ?? 0 })),
  };
}

function toKey({ roleId, scope }: RoleAssignment): string {
  return `${roleId.toLowerCase()} ${toComparableId(scope)}`;
}

/** ARM ids ignore case; the root scope "/" becomes "", which is above everything. */
function toComparableId(armId: string): string {
  return armId.toLowerCase().replace(/\/+$/, "");
}

function isAtOrAbove(scope: string, resource: string): boolean {
  return resource === scope || resource.startsWith(`${scope}/`);
}
