import type { StackConfig } from "./stack-config.ts";

/** What a network that is joined to the stack's can have: https://www.rfc-editor.org/rfc/rfc1918 */
const PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"] as const;

/** F&O's addresses are not published: an app that takes its posts takes everybody's. */
export function hasHttpsDoor({ doors }: Pick<StackConfig, "doors">): boolean {
  return doors.some((door) => door.endpoints.includes("https"));
}

/**
 * From where the app itself lets operators in (API and console), for an app that is open because of an HTTPS
 * door: access restrictions of App Service know no paths. Undefined: from everywhere, or the app is closed anyway.
 */
export function toOperatorRanges(config: StackConfig): readonly string[] | undefined {
  const { network, operator } = config;
  if (operator === undefined || !hasHttpsDoor(config)) return undefined;
  if (network === "private") return [...PRIVATE_RANGES, ...(operator.allowedAddresses ?? [])];
  return operator.allowedAddresses;
}
