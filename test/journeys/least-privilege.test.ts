import { describe, expect, it } from "@jest/globals";
import { telemetryEvents } from "../../functions/src/platform/telemetry-catalogue.ts";
import { incompressible } from "../support/incompressible.ts";
import { eventually } from "../support/eventually.ts";
import { useLocalAzure } from "../support/use-local-azure.ts";

const local = useLocalAzure("least-privilege");

interface TelemetryRow {
  readonly timestamp: string;
  readonly customDimensions: Readonly<Record<string, string>>;
}

interface Use {
  readonly principalId: string;
  readonly roleId: string;
  readonly scope: string;
  readonly count: number;
}

/** Roles whose use a run in which all goes well does not show. */
const unseen: Readonly<Record<string, string>> = {
  "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Event Grid: only what it cannot deliver",
};

async function readUses(): Promise<readonly Use[]> {
  const response = await fetch(`${local.world.environment.identity.baseUrl}/sim/access`);
  return (await response.json()) as readonly Use[];
}

async function change(method: "PUT" | "DELETE", use: Use): Promise<void> {
  await fetch(`${local.world.environment.identity.baseUrl}/sim/access`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(use),
  });
}

/** The function app's, the workflow's: the one use of that role. */
async function findUse(wanted: string): Promise<Use> {
  const found = (await readUses()).find(
    ({ roleId, scope }) => roleId === wanted && !scope.includes("/vaults/kv-local-local"),
  );
  if (found === undefined) throw new Error(`Nobody holds ${wanted}.`);
  return found;
}

function toName({ roleId, scope }: Use): string {
  return `${roleId} at ${scope.split("/providers/").pop() ?? scope}`;
}

const TABLE_CONTRIBUTOR = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3";
const SENDS_MAIL = "09976791-48a7-449e-bb21-39d1a415f350";
const SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6";

describe("every identity", () => {
  it("uses every role that it holds, once an invoice has come by every door", async () => {
    const { world } = local;
    for (const door of ["eventGrid", "serviceBus", "https"]) {
      await world.post({ number: `ROLES-${door}`, door });
    }
    // Too large for the ledger's tables, even compressed: its body lies in a blob.
    const texts = incompressible(1_500_000).match(/.{1500}/g) ?? [];
    const lines = texts.map((description) => ({ description, quantity: 1, unitPrice: 1 }));
    await world.post({ number: "ROLES-LARGE", door: "https", lines });

    await eventually(async () => {
      const unused = (await readUses()).filter(
        ({ count, roleId }) => count === 0 && !(roleId in unseen),
      );
      expect(unused.map(toName)).toEqual([]);
    }, 60_000);
  }, 90_000);

  it("tells the collector of it in the columns that alerts and the workbook ask for", async () => {
    const { monitor } = local.world.environment;
    const rows = await eventually(async () => {
      const response = await fetch(`${monitor.baseUrl}/telemetry?table=customEvents&name=delivery`);
      const answer = (await response.json()) as { readonly rows: readonly TelemetryRow[] };
      expect(answer.rows.length).toBeGreaterThan(0);
      return answer.rows;
    }, 60_000);

    expect(
      rows.filter(
        ({ customDimensions, timestamp }) =>
          Number.isNaN(Date.parse(timestamp)) ||
          telemetryEvents.delivery.dimensions.some((name) => !(name in customDimensions)),
      ),
    ).toEqual([]);
  }, 90_000);

  it("is refused as soon as a role is gone, and let in when it is back", async () => {
    const { world } = local;
    const readsSecret = await findUse(SECRETS_USER);
    const sendsMail = await findUse(SENDS_MAIL);
    await change("DELETE", readsSecret);
    await change("DELETE", sendsMail);
    const { eventId } = await world.post({ number: "ROLES-403" });

    await eventually(async () => {
      const { ce, crm, email } = await world.ledger(eventId);
      expect([ce?.state, crm?.state, crm?.code, email?.state, email?.code]).toEqual([
        ...["delivered", "pending", "CRM_SECRET_UNAVAILABLE", "pending", "MAIL_UNAUTHORIZED"],
      ]);
      // On a busy machine the large document's mail can take so long that it closes the gate, for a minute.
    }, 150_000);
    await change("PUT", readsSecret);
    await change("PUT", sendsMail);

    await eventually(async () => {
      const { crm, email } = await world.states(eventId);
      expect([crm, email]).toEqual(["delivered", "delivered"]);
    }, 150_000);
  }, 330_000);

  it("loses the ledger with its role at the tables, and says so at /api/health until it is back", async () => {
    const { functions } = local.world.environment;
    const health = async (): Promise<unknown> =>
      (await fetch(`${functions.baseUrl}/api/health`)).json();
    expect(await health()).toEqual({ status: "ok", parts: [] });
    const writesTables = await findUse(TABLE_CONTRIBUTOR);
    await change("DELETE", writesTables);
    await eventually(
      async () =>
        expect(await health()).toEqual({
          status: "notOk",
          parts: [{ part: "ledger", code: "UNAVAILABLE" }],
        }),
      30_000,
    );
    await change("PUT", writesTables);
    await eventually(async () => expect(await health()).toMatchObject({ status: "ok" }), 30_000);
  }, 80_000);
});
