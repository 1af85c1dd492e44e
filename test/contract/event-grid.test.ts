import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  AzureKeyCredential,
  EventGridDeserializer,
  EventGridPublisherClient,
  generateSharedAccessSignature,
} from "@azure/eventgrid";
import { ManagedIdentityCredential } from "@azure/identity";
import { createAccessControl } from "../../local/access-control.ts";
import { systemClock } from "../../local/clock.ts";
import { createEventGrid } from "../../local/event-grid/event-grid-app.ts";
import type { EventGrid } from "../../local/event-grid/event-grid-app.ts";
import { startFrontDoor } from "../../local/front-door.ts";
import type { FrontDoor } from "../../local/front-door.ts";
import { createIdentityApp } from "../../local/identity/identity-app.ts";
import { testCertificate } from "../support/test-certificate.ts";

const topicsId = "/subscriptions/s/providers/Microsoft.EventGrid/topics";
const identityId = "/subscriptions/s/userAssignedIdentities/finance";
const principalId = "aaaaaaaa-35a5-4a8f-8f6b-0f5a2c1f7d11";
const clientId = "bbbbbbbb-35a5-4a8f-8f6b-0f5a2c1f7d11";

describe("Event Grid for the unchanged SDK client", () => {
  const bodies: string[] = [];
  const access = createAccessControl();
  let grid: EventGrid;
  let doors: readonly FrontDoor[];
  let endpoints: { readonly eventGrid: string; readonly cloudEvents: string };

  beforeAll(async () => {
    const log = (): void => undefined;
    const identity = await createIdentityApp(
      { clock: systemClock, log },
      { tenantId: "7d1f3a52-35a5-4a8f-8f6b-0f5a2c1f7d11" },
    );
    identity.registerManagedIdentity({ resourceId: identityId, principalId, clientId });
    grid = createEventGrid({
      services: { clock: systemClock, access, tokens: identity.tokens, log },
      deliverToServiceBus: (_id, { body }) => Promise.resolve(void bodies.push(body)),
      writeDeadLetter: () => Promise.resolve(),
    });
    const destination = {
      endpointType: "ServiceBusQueue",
      resourceId: "/subscriptions/s/queues/q",
    };
    for (const [name, inputSchema] of [
      ["eg", "EventGridSchema"],
      ["ce", "CloudEventSchemaV1_0"],
    ] as const) {
      grid.createTopic({ id: `${topicsId}/${name}`, name, inputSchema });
      await grid.createSubscription({ topicId: `${topicsId}/${name}`, name: "all", destination });
    }
    const [door, identityDoor] = await Promise.all([
      startFrontDoor({ fetch: grid.app.fetch, certificate: testCertificate }),
      startFrontDoor({ fetch: identity.app.fetch }),
    ]);
    doors = [door, identityDoor];
    process.env["IDENTITY_ENDPOINT"] = `${identityDoor.httpUrl}/msi/token`;
    process.env["IDENTITY_HEADER"] = identity.registerHost({
      resourceId: "/subscriptions/s/sites/finance",
      userAssigned: [identityId],
    }).identityHeader;
    endpoints = {
      eventGrid: `${door.httpsUrl}/eg/api/events`,
      cloudEvents: `${door.httpsUrl}/ce/api/events`,
    };
  });
  beforeEach(() => void bodies.splice(0));
  afterAll(async () => {
    await Promise.all([...doors.map((door) => door.close()), grid.close()]);
    delete process.env["IDENTITY_ENDPOINT"];
    delete process.env["IDENTITY_HEADER"];
  });

  const event = { subject: "s", eventType: "t", dataVersion: "", data: { a: 1 }, id: "e1" };
  const keyCredential = (): AzureKeyCredential =>
    new AzureKeyCredential(grid.keys(`${topicsId}/eg`)[0]);

  it("takes events by key, and they read back with the SDK's own deserializer", async () => {
    await new EventGridPublisherClient(endpoints.eventGrid, "EventGrid", keyCredential()).send([
      event,
    ]);
    const [received] = await new EventGridDeserializer().deserializeEventGridEvents(
      bodies[0] ?? "",
    );
    expect(received).toMatchObject({ id: "e1", topic: `${topicsId}/eg`, data: { a: 1 } });
  });

  it("takes a shared access signature of its own key, for itself, until it expires", async () => {
    const { eventGrid } = endpoints;
    const publish = async (signature: string): Promise<void> =>
      new EventGridPublisherClient(eventGrid, "EventGrid", { signature }).send([event]);
    const later = new Date(Date.now() + 60_000);
    const earlier = new Date(Date.now() - 60_000);
    await publish(await generateSharedAccessSignature(eventGrid, keyCredential(), later));
    expect(bodies).toHaveLength(1);
    const stranger = new AzureKeyCredential(Buffer.alloc(32).toString("base64"));
    const refused = [
      generateSharedAccessSignature(eventGrid, keyCredential(), earlier),
      generateSharedAccessSignature(eventGrid, stranger, later),
      generateSharedAccessSignature(endpoints.cloudEvents, keyCredential(), later),
    ];
    for (const signature of refused) {
      await expect(publish(await signature)).rejects.toMatchObject({ statusCode: 401 });
    }
  });

  it("takes CloudEvents by Entra token once the identity has the role", async () => {
    const client = new EventGridPublisherClient(
      endpoints.cloudEvents,
      "CloudEvent",
      new ManagedIdentityCredential({ clientId }),
    );
    const cloudEvent = { type: "t", source: "/s", id: "c1", data: { a: 1 } };
    await expect(client.send([cloudEvent])).rejects.toMatchObject({
      statusCode: 401,
      code: "Unauthorized",
      message: expect.stringContaining("does not have permission to send data to"),
    });
    const sender = "d5a91429-5739-47e2-a06b-3470a27159e7";
    access.assign({ principalId, roleId: sender, scope: `${topicsId}/ce` });
    await client.send([cloudEvent]);
    const [received] = await new EventGridDeserializer().deserializeCloudEvents(bodies[0] ?? "");
    expect(received).toMatchObject({ id: "c1", source: "/s", data: { a: 1 } });
  });

  it("refuses a wrong key with Event Grid's own error", async () => {
    const wrong = new AzureKeyCredential(Buffer.alloc(32).toString("base64"));
    await expect(
      new EventGridPublisherClient(endpoints.eventGrid, "EventGrid", wrong).send([event]),
    ).rejects.toMatchObject({ statusCode: 401, code: "Unauthorized" });
    expect(bodies).toEqual([]);
  });
});
