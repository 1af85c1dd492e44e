/** App roles of the operator API, least first: each may do what the ones before it may. */
export const operatorRoles = ["Reader", "Operator", "Approver"] as const;

export type OperatorRole = (typeof operatorRoles)[number];

/** A person or program whose token was checked. */
export interface Caller {
  /** Object id in the directory: the same person has the same one for ever. */
  readonly id: string;
  /** For people to read: a sign-in name, or `app:<client id>`. */
  readonly name: string;
  readonly roles: readonly OperatorRole[];
}

export function mayActAs(caller: Caller, role: OperatorRole): boolean {
  const needed = operatorRoles.indexOf(role);
  return caller.roles.some((each) => operatorRoles.indexOf(each) >= needed);
}

/** Names that are none of ours are left out: a token may carry other applications' roles. */
export function toOperatorRoles(names: unknown): readonly OperatorRole[] {
  if (!Array.isArray(names)) return [];
  return operatorRoles.filter((role) => names.includes(role));
}
