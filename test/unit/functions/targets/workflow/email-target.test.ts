import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DataverseError } from "../../../../../functions/src/dynamics/dataverse-failure.ts";
import { compileMapping } from "../../../../../functions/src/flows/compile-mapping.ts";
import type { DeliveryRequest } from "../../../../../functions/src/targets/target.ts";
import {
  createEmailTarget,
  type MailSettings,
} from "../../../../../functions/src/targets/workflow/email-target.ts";
import type { WorkflowAnswer } from "../../../../../functions/src/targets/workflow/workflow-call.ts";
import type { CanonicalEvent } from "../../../../../schemas/types/canonical-event.ts";
import type { MailTexts } from "../../../../../schemas/types/mail-texts.ts";
import { canonicalEvent, canonicalInvoice } from "../../../../support/canonical-invoice.ts";

const document = {
  subject: "Invoice {number}\r\nBcc: all",
  heading: "Invoice {number}",
  greeting: "Dear {customerName}",
  intro: "{total} {currency}",
  closing: "Bye",
  legalNotice: "Not the legal invoice",
};
const texts = {
  invoice: document,
  creditNote: { ...document, subject: "Credit note {number}" },
  prepayment: document,
  labels: { totalLabel: "Total" },
  redirectNotice: "Would have gone to {recipient}",
} as unknown as MailTexts;

const live: MailSettings = {
  mode: "live",
  redirectTo: undefined,
  sender: "invoices@contoso.example",
  language: "en-us",
  recipient: { policy: "customer" },
  texts: new Map([["en-us", texts]]),
  isAllowed: () => true,
};

function setUp(
  settings: Partial<MailSettings> = {},
  answer: WorkflowAnswer = { kind: "answered", status: 202, body: { status: "accepted" } },
  ownerAddress = (): Promise<string | null> => Promise.resolve("owner@contoso.example"),
) {
  const calls: Record<string, unknown>[] = [];
  const target = createEmailTarget({
    name: "email",
    call: (body) => {
      calls.push(body as Record<string, unknown>);
      return Promise.resolve(answer);
    },
    mappingOf: () =>
      compileMapping({
        source: "canonical/invoice-posted.v1",
        target: { kind: "workflow", name: "invoice-email.v1" },
        fields: [{ to: "invoice.number", from: "number" }],
      }),
    settingsOf: () => ({ ...live, ...settings }),
    ownerAddress,
  });
  const signal = new AbortController().signal;
  return {
    calls,
    deliver: async (event?: CanonicalEvent) => (await target.deliver([request(event)], signal))[0],
    confirm: (memo: string | null = null) => target.confirm?.({ ...request(), memo }, signal),
  };
}

function request(event: CanonicalEvent = canonicalEvent()): DeliveryRequest<CanonicalEvent> {
  return {
    eventId: event.id,
    target: "email",
    attempts: 0,
    hop: 0,
    generation: 0,
    memo: null,
    acceptedAt: 0,
    traceparent: event.traceparent,
    body: event,
  };
}

describe("e-mail target", () => {
  it("is unsure after the workflow accepted a mail, and asks soon", async () => {
    const { deliver, calls } = setUp();

    const outcome = await deliver();

    expect(outcome).toEqual({
      kind: "unsure",
      code: "MAIL_ACCEPTED",
      reason: "the mail service took it and will be asked whether it was sent",
      memo: "accepted:0",
      checkAfterMs: 700,
    });
    expect(calls).toMatchObject([
      {
        step: "send",
        to: [{ address: "ap@contoso-retail.example" }],
        invoice: { number: "CIV-000123" },
      },
    ]);
  });

  it("uses one operation id for two events of the same document", async () => {
    const { deliver, calls } = setUp();

    await deliver(canonicalEvent());
    await deliver({ ...canonicalEvent(), id: "11111111-3c0e-4b57-9a4b-0f6b3e2c91d4" });

    expect(calls[0]?.["operationId"]).toBe(calls[1]?.["operationId"]);
  });

  it("names the original recipient in a redirected mail and sends it to the mailbox only", async () => {
    const { deliver, calls } = setUp({ mode: "redirect", redirectTo: "test@contoso.example" });

    await deliver();

    expect(calls).toMatchObject([
      {
        to: [{ address: "test@contoso.example" }],
        notice: "Would have gone to ap@contoso-retail.example",
      },
    ]);
  });

  it("never sends a redirected mail anywhere but to the mailbox, whatever F&O contains", async () => {
    await fc.assert(
      fc.asyncProperty(fc.emailAddress(), fc.string(), async (email, name) => {
        const { deliver, calls } = setUp({ mode: "redirect", redirectTo: "test@contoso.example" });
        const customer = { account: "US-001", orderAccount: "US-001", name, email };

        await deliver(canonicalEvent(canonicalInvoice({ customer })));

        expect(calls[0]?.["to"]).toEqual([{ address: "test@contoso.example" }]);
      }),
      { numRuns: 50 },
    );
  });

  it("skips a recipient whose domain is not allowed", async () => {
    const { deliver, calls } = setUp({ isAllowed: () => false });

    expect(await deliver()).toEqual({
      kind: "skipped",
      rule: "RECIPIENT_NOT_ALLOWED",
      asked: false,
    });
    expect(calls).toEqual([]);
  });

  it("skips a customer without an address", async () => {
    const customer = { ...canonicalInvoice().customer, email: null };

    const outcome = await setUp().deliver(canonicalEvent(canonicalInvoice({ customer })));

    expect(outcome).toEqual({ kind: "skipped", rule: "NO_RECIPIENT", asked: false });
  });

  it("gives a credit note its own text and keeps line breaks out of subjects", async () => {
    const { deliver, calls } = setUp();

    await deliver(canonicalEvent());
    await deliver(canonicalEvent(canonicalInvoice({ documentType: "creditNote" })));

    expect(calls.map(({ subject }) => subject)).toEqual([
      "Invoice CIV-000123 Bcc: all",
      "Credit note CIV-000123",
    ]);
  });

  it.each<[string, WorkflowAnswer, object]>([
    [
      "retries a call that never left",
      { kind: "noAnswer", code: "CONNECTION_REFUSED", sent: false },
      { kind: "retry", unreachable: true },
    ],
    [
      "is unsure when a call may have arrived",
      { kind: "noAnswer", code: "TIMEOUT", sent: true },
      { kind: "unsure", code: "MAIL_OUTCOME_UNKNOWN" },
    ],
    [
      "retries after a throttled workflow",
      { kind: "refused", status: 429, reason: "", afterMs: 2_000 },
      { kind: "retry", code: "MAIL_THROTTLED", afterMs: 2_000 },
    ],
    [
      "rejects what the mail service refuses",
      { kind: "answered", status: 409, body: { status: "reject", code: "MAIL_X" } },
      { kind: "reject", code: "MAIL_X" },
    ],
    [
      "keeps the mail service's own pause",
      { kind: "answered", status: 503, body: { status: "retry", retryAfterSeconds: 60 } },
      { kind: "retry", afterMs: 60_000 },
    ],
  ])("%s", async (_title, answer, expected) => {
    expect(await setUp({}, answer).deliver()).toMatchObject(expected);
  });

  it.each<[string, WorkflowAnswer, object]>([
    [
      "delivered",
      { kind: "answered", status: 200, body: { status: "delivered", reference: "op" } },
      { kind: "delivered", reference: "op" },
    ],
    [
      "running",
      { kind: "answered", status: 200, body: { status: "running" } },
      { kind: "unsure", code: "MAIL_ACCEPTED" },
    ],
    [
      "absent",
      { kind: "answered", status: 404, body: { status: "absent" } },
      { kind: "retry", code: "MAIL_NOT_SENT" },
    ],
    [
      "no answer, which is an outage of the question and not of the mail",
      { kind: "noAnswer", code: "TIMEOUT", sent: true },
      { kind: "retry", code: "MAIL_UNREACHABLE", unreachable: true },
    ],
    [
      "throttled, never without a time",
      { kind: "answered", status: 503, body: { status: "retry", code: "MAIL_THROTTLED" } },
      { kind: "retry", code: "MAIL_THROTTLED", afterMs: 60_000 },
    ],
  ])("confirms by the operation's status: %s", async (_status, answer, expected) => {
    const { confirm, calls } = setUp({}, answer);

    expect(await confirm()).toMatchObject(expected);
    expect(calls).toMatchObject([{ step: "status" }]);
  });

  it("never takes an accepted mail for unsent, however often the service denies it", async () => {
    const absent = { kind: "answered", status: 404, body: { status: "absent" } } as const;

    const outcome = await setUp({}, absent).confirm("accepted:1");

    expect(outcome).toEqual({
      kind: "unsure",
      code: "MAIL_STATUS_LOST",
      memo: "accepted:2",
      checkAfterMs: 60_000,
    });
  });

  it.each([
    ["throttled", { afterMs: 17_000 }, 17_000],
    ["unreachable", {}, 60_000],
    ["denied", {}, 60_000],
    ["unsure", {}, 60_000],
  ] as const)(
    "costs no attempt when CE is %s while it is asked for the recipient",
    async (kind, more, afterMs) => {
      const { deliver, calls } = setUp({ recipient: { policy: "accountOwner" } }, undefined, () =>
        Promise.reject(new DataverseError({ kind, code: "C", message: "away", ...more })),
      );

      expect(await deliver()).toMatchObject({
        kind: "retry",
        code: "MAIL_OWNER_UNREACHABLE",
        afterMs,
        asked: false,
      });
      expect(calls).toEqual([]);
    },
  );

  it("leaves to the engine what CE refuses for the one account", async () => {
    const refused = new DataverseError({ kind: "permanent", code: "C", message: "no" });
    const { deliver } = setUp({ recipient: { policy: "accountOwner" } }, undefined, () =>
      Promise.reject(refused),
    );

    await expect(deliver()).rejects.toMatchObject({ name: "NotCalledError", cause: refused });
  });

  it("shows what a dry run would send, and calls nothing", async () => {
    const { deliver, calls } = setUp({ mode: "dryRun" });

    expect(await deliver()).toMatchObject({
      kind: "skipped",
      rule: "DRY_RUN",
      wouldSend: { step: "send" },
    });
    expect(calls).toEqual([]);
  });
});
