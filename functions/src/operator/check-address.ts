import { BlockList, isIPv4 } from "node:net";
import { OperatorError } from "./operator-error.ts";

/** Throws ADDRESS_NOT_ALLOWED for a request that comes from elsewhere; `forwardedFor`: its header. */
export type CheckAddress = (forwardedFor: string | null) => void;

/**
 * Where operators sit, for an app that is open to all because F&O posts to it. `ranges`: IPv4 addresses and
 * ranges; undefined lets everybody pass.
 */
export function createCheckAddress(ranges: readonly string[] | undefined): CheckAddress {
  if (ranges === undefined) return () => undefined;
  const allowed = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix = "32"] = range.split("/");
    allowed.addSubnet(address, Number(prefix));
  }
  return (forwardedFor) => {
    const address = toCaller(forwardedFor);
    if (address !== undefined && allowed.check(address)) return;
    throw new OperatorError(
      "ADDRESS_NOT_ALLOWED",
      "This stack is not operated from where you are.",
      "Use its network (a VPN), or have your address added to operator.allowedAddresses.",
    );
  };
}

/**
 * App Service's front end appends the address that it saw, with its port; what stands before it is the
 * caller's own word. From memory: a wrong reading keeps people out and lets nobody in without a token.
 */
function toCaller(forwardedFor: string | null): string | undefined {
  const last = forwardedFor?.split(",").at(-1)?.trim() ?? "";
  const address = last.replace(/:\d+$/, "");
  return isIPv4(address) ? address : undefined;
}
