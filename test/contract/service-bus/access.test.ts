import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ServiceBusClient } from "@azure/service-bus";
import { generate } from "selfsigned";

import { namespaceResourceId, startWorld, type ServiceBusWorld } from "./service-bus-world.ts";

const sender = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39";
const owner = "090c5cfd-751d-490a-894a-3ce6f1109419";

let world: ServiceBusWorld;

beforeAll(async () => {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }],
  });
  world = await startWorld({
    certificate: { key, cert },
    assignments: [
      { principalId: "principal-owner", roleId: owner, scope: namespaceResourceId },
      { principalId: "principal-sender", roleId: sender, scope: `${namespaceResourceId}/queues/q` },
    ],
  });
  world.broker.createQueue("q");
  world.broker.createTopic("t");
  world.broker.createSubscription("t", "s");
  folder = await mkdtemp(join(tmpdir(), "service-bus-"));
  authority = join(folder, "authority.pem");
  await writeFile(authority, cert);
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

let folder: string;
let authority: string;

/** Runs the unchanged client with a token credential in its own process, which trusts our authority. */
async function runClient(principal: string, calls: string): Promise<unknown> {
  const script = `
    import { ServiceBusClient } from "@azure/service-bus";
    const credential = { getToken: async () => ({ token: ${JSON.stringify(principal)}, expiresOnTimestamp: Date.now() + 3600000 }) };
    const client = new ServiceBusClient(${JSON.stringify(world.server.fullyQualifiedNamespace)}, credential, { retryOptions: { maxRetries: 0 } });
    const report = (value) => console.log(JSON.stringify(value));
    try { ${calls} } catch (error) { report(error.code ?? String(error)); }
    await client.close();`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", script],
    { env: { ...process.env, NODE_EXTRA_CA_CERTS: authority } },
  );
  return JSON.parse(stdout);
}

const sendOne = 'await client.createSender("q").sendMessages({ body: "by token" });';

describe("a client with a token credential, by TLS", () => {
  it("sends and receives with the role for it", async () => {
    const body = await runClient(
      "principal-owner",
      `${sendOne}
      const receiver = client.createReceiver("q");
      const [message] = await receiver.receiveMessages(1);
      await receiver.completeMessage(message);
      report(message.body);`,
    );
    expect(body).toBe("by token");
  });

  it("may only do what its role says, and only there", async () => {
    const codes = await runClient(
      "principal-sender",
      `const codeOf = (call) => call().then(() => "done", (error) => error.code);
      report([
        await codeOf(() => client.createSender("q").sendMessages({ body: 1 })),
        await codeOf(() => client.createReceiver("q").receiveMessages(1)),
        await codeOf(() => client.createSender("t").sendMessages({ body: 1 })),
      ]);`,
    );
    expect(codes).toEqual(["done", "UnauthorizedAccess", "UnauthorizedAccess"]);
  });

  it("is refused with a token that does not verify", async () => {
    expect(await runClient("forged", `${sendOne} report("sent");`)).toBe("UnauthorizedAccess");
  });
});

describe("a client with a key", () => {
  it("may only do what the key's rule says", async () => {
    world.broker.addAuthorizationRule({ name: "send", key: "k1", rights: ["Send"], entity: "q" });
    world.broker.addAuthorizationRule({ name: "listen", key: "k2", rights: ["Listen"] });
    await world.clientOf("send").createSender("q").sendMessages({ body: 1 });
    await expect(
      world.clientOf("send").createReceiver("q").receiveMessages(1),
    ).rejects.toMatchObject({ code: "UnauthorizedAccess" });
    await expect(
      world.clientOf("listen").createSender("q").sendMessages({ body: 1 }),
    ).rejects.toMatchObject({ code: "UnauthorizedAccess" });
  });

  it("is refused with a wrong key", async () => {
    const wrong = world.server
      .connectionString("RootManageSharedAccessKey")
      .replace(/SharedAccessKey=[^;]+/, "SharedAccessKey=wrong");
    const client = new ServiceBusClient(wrong, { retryOptions: { maxRetries: 0 } });
    await expect(client.createSender("q").sendMessages({ body: 1 })).rejects.toMatchObject({
      code: "UnauthorizedAccess",
    });
    await client.close();
  });

  it("is told that an entity does not exist", async () => {
    await expect(
      world.client.createSender("nowhere").sendMessages({ body: 1 }),
    ).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
    await expect(
      world.client.createReceiver("t", "nobody").receiveMessages(1),
    ).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
  });
});

describe("a lost connection", () => {
  it("is made anew by a streaming receiver, which goes on receiving", async () => {
    world.broker.createQueue("lossy");
    const receiver = world.client.createReceiver("lossy", { receiveMode: "receiveAndDelete" });
    const bodies: unknown[] = [];
    await new Promise<void>((resolve, reject) => {
      receiver.subscribe({
        processMessage: ({ body }) => {
          bodies.push(body);
          if (bodies.length === 2) resolve();
          else {
            world.server.dropConnections();
            world.broker.send("lossy", { body: '"after"' });
          }
          return Promise.resolve();
        },
        processError: ({ error }) => {
          reject(error);
          return Promise.resolve();
        },
      });
      world.broker.send("lossy", { body: '"before"' });
    });
    expect(bodies).toEqual(["before", "after"]);
  });
});
