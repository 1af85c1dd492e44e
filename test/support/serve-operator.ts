import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startFrontDoor } from "../../local/front-door.ts";
import type { OperatorAsk, OperatorWorld } from "./operator-world.ts";
import { runCauseway } from "./run-causeway.ts";
import type { CausewayRun } from "./run-causeway.ts";

export interface ServedOperator {
  /** The command line as an operator calls it, signed in to the world as an Approver. */
  causeway(...args: readonly string[]): Promise<CausewayRun>;
  /** What happens right before the API is asked; null: nothing does. */
  before: ((ask: OperatorAsk) => Promise<void>) | null;
  close(): Promise<void>;
}

const base = "/api/ops/v1/";

/** The operator API of a world where the command line looks for a local Azure. */
export async function serveOperator(world: OperatorWorld): Promise<ServedOperator> {
  const folder = await mkdtemp(join(tmpdir(), "causeway-operator-"));
  const door = await startFrontDoor({
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      if (!pathname.startsWith(base)) {
        return Response.json({ access_token: await world.token({ appRoles: ["Approver"] }) });
      }
      const text = await request.text();
      const ask: OperatorAsk = {
        method: request.method,
        path: `${pathname.slice(base.length)}${search}`,
        body: text === "" ? undefined : (JSON.parse(text) as unknown),
        authorization: request.headers.get("authorization"),
      };
      await served.before?.(ask);
      const { status, body } = await world.ask(ask);
      return Response.json(body, { status });
    },
  });
  const environment = {
    operator: { baseUrl: `${door.httpUrl}${base.slice(0, -1)}`, audience: "api://causeway-test" },
    identity: { baseUrl: door.httpUrl, tenantId: "t", clientId: "c-1", clientSecret: "s" },
  };
  await writeFile(join(folder, "environment.json"), JSON.stringify(environment));
  const served: ServedOperator = {
    before: null,
    causeway: (...args) => runCauseway(folder, args),
    close: async () => {
      await door.close();
      await rm(folder, { recursive: true });
    },
  };
  return served;
}
