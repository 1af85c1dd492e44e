import { describe, expect, it } from "@jest/globals";
import { telemetryEvents } from "../../functions/src/platform/telemetry-catalogue.ts";
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

/*
 * Roles whose use the local Azure cannot see. Azurite checks that a token is there, not what its holder
 * may do; Event Grid writes a dead letter only when the queue is gone; an F&O without reader is none.
 */
const unseen: Readonly<Record<string, string>> = {
  "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Azurite: the host's leases, claim checks",
  "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Azurite: the ledger",
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

function toName({ roleId, scope }: Use): string {
  return `${roleId} at ${scope.split("/providers/").pop() ?? scope}`;
}

const SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6";

describe("every identity", () => {
  it("uses every role that it holds, once an invoice has come by every door", async () => {
    const { world } = local;
    for (const door of ["eventGrid", "serviceBus", "https"]) {
      await world.post({ number: `ROLES-${door}`, door });
    }

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
    const readsSecret = (await readUses()).find(
      ({ roleId, scope }) => roleId === SECRETS_USER && scope.endsWith("/crm-client-secret"),
    );
    if (readsSecret === undefined) throw new Error("Nobody may read the CRM's secret.");
    await change("DELETE", readsSecret);
    const { eventId } = await world.post({ number: "ROLES-403" });

    await eventually(async () => {
      const { ce, crm, email } = await world.ledger(eventId);
      expect([ce?.state, crm?.state, crm?.code, email?.state]).toEqual([
        "delivered",
        "pending",
        "CRM_SECRET_UNAVAILABLE",
        "delivered",
      ]);
    }, 60_000);
    await change("PUT", readsSecret);

    await eventually(
      async () => expect((await world.states(eventId))["crm"]).toBe("delivered"),
      120_000,
    );
  }, 200_000);
});
