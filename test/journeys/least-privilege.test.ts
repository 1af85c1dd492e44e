import { describe, expect, it } from "@jest/globals";
import { telemetryEvents } from "../../functions/src/platform/telemetry-catalogue.ts";
import { salesInvoicePosted } from "../support/business-event.ts";
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

const role = {
  listens: "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
  sends: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
  keepsBlobs: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  keepsTables: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
  tells: "3913510d-42f4-4e42-8a64-420c390055eb",
  readsSecrets: "4633458b-17de-408a-b874-0445c86b69e6",
  sendsMail: "09976791-48a7-449e-bb21-39d1a415f350",
} as const;

/** Roles whose use a run in which all goes well does not show. */
const unseen: Readonly<Record<string, string>> = {
  "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Event Grid: only what it cannot deliver",
};

async function readUses(): Promise<readonly Use[]> {
  const response = await fetch(`${local.world.environment.identity.baseUrl}/sim/access`);
  const uses = (await response.json()) as readonly Use[];
  if (appId === "") appId = uses.find(({ roleId }) => roleId === role.tells)?.principalId ?? "";
  return uses;
}

interface Refusal {
  readonly principalId: string;
  readonly roleIds: readonly string[];
  readonly resourceId: string;
}

async function readRefusals(): Promise<readonly Refusal[]> {
  const { baseUrl } = local.world.environment.identity;
  return (await (await fetch(`${baseUrl}/sim/access/refusals`)).json()) as readonly Refusal[];
}

async function change(method: "PUT" | "DELETE", use: Use): Promise<void> {
  await fetch(`${local.world.environment.identity.baseUrl}/sim/access`, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(use),
  });
}

/** F&O's app registration reads its door's whole vault: a role of nobody who runs here. */
const isOurs = ({ scope }: Use): boolean =>
  !scope.includes("/vaults/") || scope.includes("/secrets/");

/** The function app's identity: nobody else tells telemetry. */
let appId = "";
const named = ["queues", "topics", "subscriptions", "secrets", "containers"];

/** `sends at business-events`, `keepsBlobs at storageAccounts`; of others than the function app `other sends …`. */
function toName({ principalId, roleId, scope }: Use): string {
  const what = Object.entries(role).find(([, id]) => id === roleId)?.[0] ?? roleId;
  const [kind = "", name = ""] = scope.split("/").slice(-2);
  const who = principalId === appId ? "" : "other ";
  return `${who}${what} at ${named.includes(kind) ? name : kind}`;
}

const first: { readonly eventId: string }[] = [];

/** Names of assignments that were missed when they were gone. */
const missed = new Set<string>();

/**
 * Takes the roles away, and gives them back when the work is done and each of them was missed: their holder was
 * refused what no other role of his allows.
 */
async function without(names: readonly string[], work: () => Promise<void>): Promise<void> {
  const gone = (await readUses()).filter((use) => isOurs(use) && names.includes(toName(use)));
  expect(gone.map(toName).sort()).toEqual([...names].sort());
  await Promise.all(gone.map((use) => change("DELETE", use)));
  try {
    await work();
    await eventually(async () => {
      const refusals = await readRefusals();
      const refused = gone.filter((use) => refusals.some((each) => isFor(each, use)));
      expect(refused.map(toName).sort()).toEqual(gone.map(toName).sort());
    });
    for (const use of gone) missed.add(toName(use));
  } finally {
    await Promise.all(gone.map((use) => change("PUT", use)));
  }
}

function isFor({ principalId, resourceId, roleIds }: Refusal, use: Use): boolean {
  const scope = use.scope.toLowerCase();
  return (
    principalId === use.principalId.toLowerCase() &&
    roleIds.includes(use.roleId) &&
    `${resourceId}/`.startsWith(`${scope}/`)
  );
}

// Too large for the ledger's tables, even compressed: its body lies in a blob. To somebody without an address: a
// mail of this size is of no use here and takes the machine its time.
function large(number: string): object {
  const texts = incompressible(1_500_000).match(/.{1500}/g) ?? [];
  const lines = texts.map((description) => ({ description, quantity: 1, unitPrice: 1 }));
  return { number, door: "https", customer: "US-002", lines };
}

async function settled(eventId: string): Promise<void> {
  await eventually(async () => {
    const { ce, crm, email } = await local.world.states(eventId);
    expect([ce, crm, email]).toEqual(["delivered", "delivered", "delivered"]);
  });
}

describe("every identity", () => {
  it("uses every role that it holds, once an invoice has come by every door", async () => {
    const { world } = local;
    for (const door of ["eventGrid", "serviceBus", "https"]) {
      first.push(await world.post({ number: `ROLES-${door}`, door }));
    }
    await world.post(large("ROLES-LARGE"));

    await eventually(async () => {
      const unused = (await readUses()).filter(
        ({ count, roleId }) => count === 0 && !(roleId in unseen),
      );
      expect(unused.map(toName)).toEqual([]);
    });
  });

  it("tells the collector of it in the columns that alerts and the workbook ask for", async () => {
    const { monitor } = local.world.environment;
    const rows = await eventually(async () => {
      const response = await fetch(`${monitor.baseUrl}/telemetry?table=customEvents&name=delivery`);
      const answer = (await response.json()) as { readonly rows: readonly TelemetryRow[] };
      expect(answer.rows.length).toBeGreaterThan(0);
      return answer.rows;
    });

    expect(
      rows.filter(
        ({ customDimensions, timestamp }) =>
          Number.isNaN(Date.parse(timestamp)) ||
          telemetryEvents.delivery.dimensions.some((name) => !(name in customDimensions)),
      ),
    ).toEqual([]);
  });
});

describe("without its role", () => {
  it("workflows, Event Grid, blobs and telemetry are refused; let in again when the role is back", async () => {
    const { world } = local;
    // A mail whose status is not told puts everybody's off for a minute: none may be under way.
    for (const { eventId } of first) await settled(eventId);
    const gone = [
      ...["other readsSecrets at crm-client-secret", "other sendsMail at communicationServices"],
      ...["tells at components", "keepsBlobs at storageAccounts"],
      "other sends at business-events",
    ];
    let eventId = "";
    await without(gone, async () => {
      const lost = await world.post({ number: "ROLES-NO-GRID", door: "eventGrid" });
      ({ eventId } = await world.post({ number: "ROLES-403", door: "https" }));
      await eventually(async () => {
        const { ce, crm, email } = await world.ledger(eventId);
        expect([ce?.state, crm?.state, crm?.code, email?.state, email?.code]).toEqual([
          ...["delivered", "pending", "CRM_SECRET_UNAVAILABLE", "pending", "MAIL_UNAUTHORIZED"],
        ]);
      });
      expect(await world.states(lost.eventId)).toEqual({});
      // Last: whatever shares a batch with a body that cannot be kept comes again half a minute later or more.
      await world.post(large("ROLES-NO-BLOB"));
    });
    await settled(eventId);
  });

  it("a subscription is not read: deliveries wait in it until the role is back", async () => {
    const { world } = local;
    const names = ["ce", "crm", "email", "dead-letters"].map((entity) => `listens at ${entity}`);
    let eventId = "";
    await without(names, async () => {
      ({ eventId } = await world.post({ number: "ROLES-UNREAD", door: "https" }));
      await eventually(async () => expect(await world.underWay("ROLES-UNREAD")).toBe(3));
      const { ce, crm, email } = await world.states(eventId);
      expect([ce, crm, email]).toEqual(["pending", "pending", "pending"]);
    });
    await settled(eventId);
  });

  it("nothing is sent on: the door says so, and intake begins again when the role is back", async () => {
    const { world } = local;
    const names = ["business-events", "integration-events", "dead-letters"];
    let eventId = "";
    await without(
      names.map((entity) => `sends at ${entity}`),
      async () => {
        const event = JSON.stringify(salesInvoicePosted);
        expect(await world.knock(event)).toMatchObject({
          status: 503,
          body: { error: { code: "QUEUE_UNAVAILABLE" } },
        });
        await world.sendToQueue("no business event");
        ({ eventId } = await world.post({ number: "ROLES-UNSENT", door: "serviceBus" }));
        await eventually(async () => {
          const { ce, intake } = await world.states(eventId);
          expect([ce, intake]).toEqual(["pending", "accepted"]);
        });
      },
    );
    await settled(eventId);
  });

  it("the queue is not read: what the door takes waits in it until the role is back", async () => {
    const { world } = local;
    let eventId = "";
    await without(["listens at business-events"], async () => {
      ({ eventId } = await world.post({ number: "ROLES-WAITS", door: "https" }));
      await eventually(async () => expect(await world.underWay("ROLES-WAITS")).toBe(1));
      expect(await world.states(eventId)).toEqual({});
    });
    await settled(eventId);
  });

  it("the ledger is lost, and /api/health says so until the role is back", async () => {
    const { functions } = local.world.environment;
    const health = async (): Promise<unknown> =>
      (await fetch(`${functions.baseUrl}/api/health`)).json();
    await eventually(async () => expect(await health()).toEqual({ status: "ok", parts: [] }));
    await without(["keepsTables at storageAccounts"], async () => {
      await eventually(async () =>
        expect(await health()).toEqual({
          status: "notOk",
          parts: [{ part: "ledger", code: "UNAVAILABLE" }],
        }),
      );
    });
    await eventually(async () => expect(await health()).toMatchObject({ status: "ok" }));
  });

  it("every identity has been refused something: none holds a role that it could do without", async () => {
    const kept = (await readUses()).filter((use) => isOurs(use) && !(use.roleId in unseen));

    expect(kept.map(toName).filter((name) => !missed.has(name))).toEqual([]);
  });
});
