import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import type { FindApiErrorCode } from "../operator/find-operator-api.ts";
import type { DeployedStack } from "./findings.ts";

/** Where the stack is, out of its output `addresses`; by Pulumi's own command line and sign-in. */
export async function readDeployedStack(stack: string): Promise<DeployedStack> {
  const args = ["stack", "output", "addresses", "--json", "--stack", stack];
  const cwd = new URL("../..", import.meta.url);
  const run = promisify(execFile)("pulumi", args, { cwd, timeout: 60_000 });
  const { stdout } = await run.catch((cause: unknown) => {
    throw new CausewayError<FindApiErrorCode>(
      "STACK_NOT_READABLE",
      `Pulumi did not give the outputs of the stack ${stack}. Log in to its state (pulumi login) and see that it is deployed.`,
      { fate: "permanent", ids: { stack }, cause },
    );
  });
  return toDeployedStack(JSON.parse(stdout) as Readonly<Record<string, string>>);
}

/** The addresses are links into the portal; the ARM ids are in them. */
export function toDeployedStack(addresses: Readonly<Record<string, string>>): DeployedStack {
  const idIn = (name: string): string => {
    const link = addresses[name] ?? "";
    const [id] =
      /\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/[^/]+\/[^/]+\/[^/]+/.exec(link) ??
      [];
    if (id !== undefined) return id;
    throw new CausewayError<FindApiErrorCode>(
      "STACK_NOT_READABLE",
      `The stack's output addresses.${name} has no resource in it; run pulumi up with this version.`,
      { fate: "permanent" },
    );
  };
  const appUrl = (addresses["functionApp"] ?? "").replace(/\/+$/, "");
  return { appUrl, appId: idIn("functionAppInPortal"), insightsId: idIn("applicationInsights") };
}
