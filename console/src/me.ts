import { createContext, useContext } from "react";

export interface Me {
  readonly name: string;
  readonly roles: readonly string[];
}

export const MeContext = createContext<Me | undefined>(undefined);

/** Whether to offer changes; the API decides. */
export function useMayOperate(): boolean {
  const me = useContext(MeContext);
  return me?.roles.some((role) => role === "Operator" || role === "Approver") ?? false;
}
