import { describe, expect, it } from "@jest/globals";
import { createDataverseClient } from "../../../../functions/src/dynamics/dataverse-client.ts";
import { compileMapping } from "../../../../functions/src/flows/compile-mapping.ts";
import { HttpError } from "../../../../functions/src/platform/http.ts";
import type { Http } from "../../../../functions/src/platform/http.ts";
import { createOwnerAddress } from "../../../../functions/src/targets/dataverse/owner-address.ts";
import { createEmailTarget } from "../../../../functions/src/targets/workflow/email-target.ts";
import type { MailTexts } from "../../../../schemas/types/mail-texts.ts";
import { DeliveryWorld, startOfTime } from "../../../support/delivery-world.ts";
import { seededRandom } from "../../../support/faulty-ports.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

const hourMs = 3_600_000;
/** Longer than the day after which a delivery that was tried and tried fails. */
const outageMs = 26 * hourMs;

const words = { subject: "S", heading: "H", greeting: "G", intro: "I", closing: "C" };
const document = { ...words, legalNotice: "Not the legal invoice" };
const texts = {
  invoice: document,
  creditNote: document,
  prepayment: document,
  labels: { totalLabel: "Total" },
  redirectNotice: "Would have gone to {recipient}",
} as unknown as MailTexts;

const mapping = compileMapping({
  source: "canonical/invoice-posted.v1",
  target: { kind: "workflow", name: "invoice-email.v1" },
  fields: [{ to: "invoice.number", from: "number" }],
});

/** Mails to the account's owner, with a CE that is away for more than a day. */
function ownerWorld() {
  const random = seededRandom(3);
  const world = new DeliveryWorld({ targetName: "email", once: true, random });
  const { clock } = world;
  const asked: number[] = [];
  const http: Http = (request) => {
    if (clock.now() < startOfTime + outageMs) {
      asked.push(clock.now());
      return Promise.reject(new HttpError("CONNECTION_REFUSED", request, false));
    }
    const rows = { value: [{ accountid: "a", _ownerid_value: "o" }] };
    const body = request.url.includes("accounts") ? rows : { internalemailaddress: "o@c.example" };
    return Promise.resolve({ status: 200, headers: new Headers(), body: JSON.stringify(body) });
  };
  const client = createDataverseClient({
    http,
    getToken: () => Promise.resolve("token"),
    baseUrl: "https://org.crm.example",
    clock,
  });
  let sent = 0;
  const target = createEmailTarget({
    name: "email",
    call: (message) => {
      const isSend = (message as { step: string }).step === "send";
      sent += isSend ? 1 : 0;
      const status = isSend ? "accepted" : "delivered";
      return Promise.resolve({ kind: "answered", status: 200, body: { status } });
    },
    mappingOf: () => mapping,
    settingsOf: () => ({
      mode: "live",
      redirectTo: undefined,
      sender: "invoices@contoso.example",
      language: "en-us",
      recipient: { policy: "accountOwner" },
      texts: new Map([["en-us", texts]]),
      isAllowed: () => true,
    }),
    ownerAddress: createOwnerAddress(client, clock),
  });
  world.lane = { ...world.lane, target };
  return { world, asked, mails: () => sent };
}

describe("mail to the owners of accounts while CE is away for more than a day", () => {
  it("does not fail, is sent afterwards, and asks CE once a minute at most", async () => {
    const { world, asked, mails } = ownerWorld();
    const events = Array.from({ length: 8 }, (_none, index) => numberedEvent(index + 1));
    await world.accept(...events);

    await world.settle(20_000);

    const rows = await Promise.all(events.map((event) => world.row(event)));
    expect(rows.map(({ state }) => state)).toEqual(events.map(() => "delivered"));
    expect(Math.max(...rows.map(({ attempts }) => attempts))).toBe(1);
    expect(mails()).toBe(events.length);
    const gaps = asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(60_000);
    expect(world.clock.now()).toBeLessThan(startOfTime + outageMs + hourMs);
    // No answer of the mail's own service says that anything is wrong with it.
    expect((await world.gates().read("email")).state).toBe("open");
  });
});
