import { BlockList, isIPv4 } from "node:net";
import { OperatorError } from "./operator-error.ts";

/** Throws ADDRESS_NOT_ALLOWED for a request that comes from elsewhere; `clientIp`: its header. */
export type CheckAddress = (clientIp: string | null) => void;

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
  return (clientIp) => {
    const address = toCaller(clientIp);
    if (address !== undefined && allowed.check(address)) return;
    throw new OperatorError(
      "ADDRESS_NOT_ALLOWED",
      "This stack is not operated from where you are.",
      "Use its network (a VPN), or have your address added to operator.allowedAddresses.",
    );
  };
}

/**
 * `203.0.113.7:50122`, written by App Service's front end over whatever the caller said:
 * https://github.com/Azure/app-service-linux-docs/blob/master/Things_You_Should_Know/headers.md
 */
function toCaller(clientIp: string | null): string | undefined {
  const address = clientIp?.replace(/:\d+$/, "") ?? "";
  return isIPv4(address) ? address : undefined;
}
