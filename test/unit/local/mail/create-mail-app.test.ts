import { describe, expect, it } from "@jest/globals";
import { createMailApp } from "../../../../local/mail/create-mail-app.ts";
import { localServices } from "../../../support/local-services.ts";

const email = {
  senderAddress: "invoices@contoso.example",
  content: { subject: "Invoice CIV-000001", html: "<p>1,250.50</p>" },
  recipients: { to: [{ address: "ap@contoso-retail.example" }] },
};

function setUp() {
  const services = localServices();
  const mail = createMailApp(services);
  const send = (body: unknown, headers: Record<string, string> = {}) =>
    mail.app.request("/emails:send?api-version=2025-09-01", {
      method: "POST",
      headers: { authorization: "Bearer workflow", ...headers },
      body: JSON.stringify(body),
    });
  const status = (id: string) =>
    mail.app.request(`/emails/operations/${id}?api-version=2025-09-01`, {
      headers: { authorization: "Bearer workflow" },
    });
  return { services, mail, send, status };
}

describe("simulated Communication Services e-mail", () => {
  it("runs an operation from 202 to Succeeded and the inbox", async () => {
    const { services, mail, send, status } = setUp();

    const accepted = await send(email, { "operation-id": "op-1" });
    const running = await status("op-1");
    await services.clock.advance(50);
    const done = await status("op-1");

    expect(accepted.status).toBe(202);
    expect(await running.json()).toEqual({ id: "op-1", status: "Running" });
    expect(await done.json()).toEqual({ id: "op-1", status: "Succeeded" });
    expect(mail.mailbox.list()).toMatchObject([{ to: ["ap@contoso-retail.example"], via: "acs" }]);
  });

  it("answers 429 with Retry-After to the 31st mail of a minute", async () => {
    const { send } = setUp();
    for (let sent = 0; sent < 30; sent += 1) await send(email);

    const refused = await send(email);

    expect(refused.status).toBe(429);
    expect(refused.headers.get("retry-after")).toBe("60");
  });

  it("allows a managed domain five mails a minute", async () => {
    const { send } = setUp();
    const managed = { ...email, senderAddress: "donotreply@x.azurecomm.net" };
    for (let sent = 0; sent < 5; sent += 1) await send(managed);

    expect((await send(managed)).status).toBe(429);
  });

  it("fails the operation when the recipient's domain refuses", async () => {
    const { services, mail, send, status } = setUp();
    const bounced = { ...email, recipients: { to: [{ address: "a@bounce.example" }] } };

    await send(bounced, { "operation-id": "op-1" });
    await services.clock.advance(50);

    expect(await (await status("op-1")).json()).toMatchObject({ status: "Failed" });
    expect(mail.mailbox.list()).toEqual([]);
  });

  it("refuses a call without a token, and an identity without a role", async () => {
    const services = localServices({
      access: { assign: () => undefined, allows: () => false, assignments: () => [] },
    });
    const mail = createMailApp(services);
    mail.configure({ resourceId: "/subscriptions/s/communicationServices/c" });
    const post = (headers: Record<string, string>) =>
      mail.app.request("/emails:send", { method: "POST", headers, body: JSON.stringify(email) });

    expect((await post({})).status).toBe(401);
    expect((await post({ authorization: "Bearer workflow" })).status).toBe(403);
  });

  it.each([
    ["no recipient", { ...email, recipients: { to: [] } }, "InvalidRecipients"],
    [
      "an address that is none",
      { ...email, recipients: { to: [{ address: "x" }] } },
      "InvalidRecipients",
    ],
    ["no content", { ...email, content: { subject: "x" } }, "InvalidContent"],
    ["no sender", { ...email, senderAddress: "" }, "InvalidSender"],
  ])("refuses a mail with %s", async (_name, body, code) => {
    const { send } = setUp();

    const response = await send(body);

    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code } });
  });
});
