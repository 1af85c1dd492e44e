import { callJson, toJsonInit } from "../../bench/call-json.ts";
import { signIn } from "../../bench/sign-in.ts";
import type { Environment } from "../../local/environment.ts";

export interface ShownReplay {
  readonly id: string;
  readonly state: string;
  readonly isFollowed: boolean;
  readonly endedAt: string | null;
  readonly note: string;
  readonly total: number;
  readonly counts: Readonly<Record<"delivered" | "failedAgain" | "refused", number>>;
}

interface ShownVerification {
  readonly id: string;
  readonly state: string;
  readonly note: string;
  readonly repaired: number;
}

/** The operator's API, as the command line and the console call it. */
interface OperatorClient {
  beginReplay(target: string): Promise<ShownReplay>;
  replay(id: string): Promise<ShownReplay>;
  beginRepair(sinceMs: number): Promise<ShownVerification>;
  verification(id: string): Promise<ShownVerification>;
}

/** A token for each call: it lasts for an hour of a time that may be moved on by ten. */
export function createOperatorClient(environment: Environment): OperatorClient {
  const call = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const token = await signIn(environment);
    return callJson(`${environment.operator.baseUrl}/${path}`, {
      ...init,
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    });
  };
  return {
    beginReplay: async (target) => {
      const body = { selection: { filter: { target } }, perSecond: 200 };
      return (await call("replays", toJsonInit("POST", body))) as ShownReplay;
    },
    replay: async (id) => (await call(`replays/${id}`)) as ShownReplay,
    beginRepair: async (sinceMs) => {
      const since = new Date(sinceMs).toISOString();
      const body = { since, repair: true, include: ["email"] };
      return (await call("verifications", toJsonInit("POST", body))) as ShownVerification;
    },
    verification: async (id) => (await call(`verifications/${id}`)) as ShownVerification,
  };
}
