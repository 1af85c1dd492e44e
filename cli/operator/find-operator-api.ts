import { execFile } from "node:child_process";
import { promisify } from "node:util";
import {
  AzureCliCredential,
  ChainedTokenCredential,
  DefaultAzureCredential,
} from "@azure/identity";
import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import { systemClock } from "../../functions/src/platform/clock.ts";
import type { Http } from "../../functions/src/platform/http.ts";
import { createGetToken } from "../../functions/src/platform/token.ts";
import { readLocalEnvironment, signInLocally } from "../connect.ts";

export type FindApiErrorCode = "STACK_NOT_READABLE" | "STACK_WITHOUT_OPERATOR";

/** How the commands say which stack they are for. */
export interface StackFlags {
  readonly stack?: string;
  readonly url?: string;
  readonly audience?: string;
  readonly folder?: string;
}

export interface OperatorAddress {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly getToken: () => Promise<string>;
}

/** By address, by Pulumi stack, or the local Azure that runs here (stack-options.ts refuses half an address). */
export async function findOperatorApi(flags: StackFlags, http: Http): Promise<OperatorAddress> {
  if (flags.url !== undefined && flags.audience !== undefined) {
    return signedIn(flags.url, flags.audience);
  }
  if (flags.stack !== undefined) {
    const { url, audience } = await readStack(flags.stack);
    return signedIn(url, audience);
  }
  const { operator, identity } = await readLocalEnvironment(flags.folder);
  return {
    baseUrl: operator.baseUrl,
    getToken: () => signInLocally(identity, operator.audience, http),
  };
}

/** The person who ran `az login` first: what else is on the machine comes after. */
function signedIn(url: string, audience: string): OperatorAddress {
  const credential = new ChainedTokenCredential(
    new AzureCliCredential(),
    new DefaultAzureCredential(),
  );
  const getToken = createGetToken(credential, systemClock);
  return { baseUrl: url.replace(/\/+$/, ""), getToken: () => getToken(audience) };
}

/** The stack's output `operator`, by Pulumi's own command line and sign-in. */
async function readStack(
  stack: string,
): Promise<{ readonly url: string; readonly audience: string }> {
  const args = ["stack", "output", "operator", "--json", "--stack", stack];
  const cwd = new URL("../..", import.meta.url);
  const run = promisify(execFile)("pulumi", args, { cwd, timeout: 60_000 });
  const { stdout } = await run.catch((cause: unknown) => {
    throw new CausewayError<FindApiErrorCode>(
      "STACK_NOT_READABLE",
      `Pulumi did not give the outputs of the stack ${stack}. Log in to its state (pulumi login), or name the API with --url and --audience.`,
      { fate: "permanent", ids: { stack }, cause },
    );
  });
  const { url, audience } = JSON.parse(stdout) as { url?: string; audience?: string };
  if (url !== undefined && audience !== undefined) return { url, audience };
  throw new CausewayError<FindApiErrorCode>(
    "STACK_WITHOUT_OPERATOR",
    `The stack ${stack} has no operator API. Set causeway:operator (docs/cli.md) and run pulumi up.`,
    { fate: "permanent", ids: { stack } },
  );
}
