import { v5 as uuidv5 } from "uuid";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../../schemas/types/canonical-invoice.ts";
import type { MailTexts } from "../../../../schemas/types/mail-texts.ts";
import type { CompiledMapping } from "../../flows/compile-mapping.ts";
import { mapEvent } from "../../flows/map-event.ts";
import type { DeliveryRequest, Outcome, Target } from "../target.ts";
import { fillTexts, pickTexts, redirectNotice } from "./mail-texts.ts";
import { toReject, toRetry } from "./to-outcome.ts";
import type { WorkflowAnswer, WorkflowCall } from "./workflow-call.ts";

/** How one event's mail is to be sent, resolved from flow, stack and company. */
export interface MailSettings {
  readonly mode: "dryRun" | "redirect" | "live";
  readonly redirectTo: string | undefined;
  readonly sender: string | undefined;
  /** The company's language, for customers without one we have texts for. */
  readonly language: string | undefined;
  readonly recipient: {
    readonly policy: "accountOwner" | "customer" | "fixed";
    readonly address?: string;
  };
  readonly texts: ReadonlyMap<string, MailTexts>;
  /** Asked again before each send (design 8): a refreshed test environment must never reach a customer. */
  readonly isAllowed: (address: string) => boolean;
}

export interface EmailTargetOptions {
  readonly name: string;
  readonly call: WorkflowCall;
  readonly mappingOf: (event: CanonicalEvent) => CompiledMapping;
  readonly settingsOf: (event: CanonicalEvent) => MailSettings;
  /** Address of the CE account's owner; null when the account or its owner has none. */
  readonly ownerAddress: (event: CanonicalEvent) => Promise<string | null>;
}

/** Fixed for ever: operation ids of mails already sent derive from it. */
const operationNamespace = "6f0a4c52-6a1d-5b0e-9a43-6d0f8f4c7e21";
const firstCheckMs = 700;
const nextCheckMs = 5_000;
/** Longer than the caller waits for the workflow, so that a slow first call is over before we ask. */
const checkAfterTimeoutMs = 120_000;

/**
 * Mail behind the workflow `invoice-email`, in two steps. `send` is answered "accepted", which is not
 * "delivered": the outcome is `unsure` until step `status` says what became of the operation. Whatever
 * may have been sent is asked about and never sent blindly again.
 */
export function createEmailTarget(options: EmailTargetOptions): Target<CanonicalEvent> {
  const deliver = async (
    request: DeliveryRequest<CanonicalEvent>,
    signal: AbortSignal,
  ): Promise<Outcome | null> => {
    if (signal.aborted) return null;
    const settings = options.settingsOf(request.body);
    const address = await originalRecipient(options, settings, request.body);
    if (address === null || address === "") return { kind: "skipped", rule: "NO_RECIPIENT" };
    const to = recipient(settings, address);
    if (to === undefined) return { kind: "skipped", rule: "RECIPIENT_NOT_ALLOWED" };
    const message = await toMessage(options, settings, request, to, address);
    if (!isMessage(message)) return message;
    if (settings.mode === "dryRun") return { kind: "skipped", rule: "DRY_RUN", wouldSend: message };
    return toSendOutcome(await call(options, message, request, signal), message.operationId);
  };
  return {
    name: options.name,
    deliver: (requests, signal) => Promise.all(requests.map((each) => deliver(each, signal))),
    confirm: async (request, signal) => {
      const operationId = operationIdOf(request);
      const { generation } = request;
      const answer = await call(
        options,
        { step: "status", operationId, generation },
        request,
        signal,
      );
      return toStatusOutcome(answer, operationId);
    },
  };
}

async function originalRecipient(
  options: EmailTargetOptions,
  settings: MailSettings,
  event: CanonicalEvent,
): Promise<string | null> {
  switch (settings.recipient.policy) {
    case "fixed":
      return settings.recipient.address ?? null;
    case "customer":
      return event.data?.customer.email ?? null;
    case "accountOwner":
      return options.ownerAddress(event);
  }
}

/** Where the mail really goes; undefined: nowhere that is allowed. A dry run shows where it would go. */
function recipient(settings: MailSettings, address: string): string | undefined {
  if (settings.mode === "dryRun") return address;
  if (settings.mode === "redirect") return settings.redirectTo;
  return settings.isAllowed(address) ? address : undefined;
}

/** Members are those of `schemas/targets/workflow/invoice-email.v1`. */
interface SendMessage {
  readonly step: "send";
  readonly operationId: string;
  readonly [member: string]: unknown;
}

function isMessage(value: SendMessage | Outcome): value is SendMessage {
  return "step" in value;
}

async function toMessage(
  options: EmailTargetOptions,
  settings: MailSettings,
  request: DeliveryRequest<CanonicalEvent>,
  to: string,
  original: string,
): Promise<SendMessage | Outcome> {
  const event = request.body;
  const invoice = invoiceOf(event);
  const texts = pickTexts(settings.texts, [invoice.language, settings.language]);
  if (texts === undefined || settings.sender === undefined) {
    const what = texts === undefined ? "no mail texts" : "no sender";
    const reason = `the flow has ${what} for company ${invoice.legalEntity}`;
    return { kind: "reject", code: "MAIL_NOT_CONFIGURED", reason };
  }
  const filled = fillTexts(texts, invoice);
  const { record } = await mapEvent(options.mappingOf(event), event, noLookups);
  const isRedirected = settings.mode === "redirect";
  return {
    step: "send",
    operationId: operationIdOf(request),
    generation: request.generation,
    sender: settings.sender,
    to: [{ address: to, ...(isRedirected ? {} : { displayName: invoice.customer.name }) }],
    subject: filled.subject,
    texts: filled.texts,
    notice: isRedirected ? redirectNotice(texts, original) : null,
    ...record,
  };
}

function toSendOutcome(answer: WorkflowAnswer, operationId: string): Outcome {
  if (answer.kind === "noAnswer" && !answer.sent) return toRetry(answer, "MAIL");
  if (answer.kind === "refused") return toRetry(answer, "MAIL");
  const status = answer.kind === "answered" ? answer.body.status : "unsure";
  if (status === "accepted") {
    return { kind: "unsure", code: "MAIL_ACCEPTED", memo: operationId, checkAfterMs: firstCheckMs };
  }
  if (answer.kind === "answered" && status === "reject") return toReject(answer.body, "MAIL");
  if (status === "retry") return toRetry(answer, "MAIL");
  return {
    kind: "unsure",
    code: "MAIL_OUTCOME_UNKNOWN",
    memo: operationId,
    checkAfterMs: checkAfterTimeoutMs,
  };
}

function toStatusOutcome(answer: WorkflowAnswer, operationId: string): Outcome {
  const body = answer.kind === "answered" ? answer.body : {};
  switch (body.status) {
    case "delivered":
      return { kind: "delivered", reference: body.reference ?? operationId };
    case "absent":
      return {
        kind: "retry",
        code: "MAIL_NOT_SENT",
        reason: "the mail service knows no such operation",
      };
    case "reject":
      return toReject(body, "MAIL");
    case "running":
      return {
        kind: "unsure",
        code: "MAIL_ACCEPTED",
        memo: operationId,
        checkAfterMs: nextCheckMs,
      };
    default: {
      const checkAfterMs = (body.retryAfterSeconds ?? 0) * 1000;
      return {
        kind: "unsure",
        code: "MAIL_STATUS_UNKNOWN",
        memo: operationId,
        checkAfterMs: Math.max(checkAfterMs, 30_000),
      };
    }
  }
}

function call(
  options: EmailTargetOptions,
  message: unknown,
  request: DeliveryRequest<CanonicalEvent>,
  signal: AbortSignal,
): Promise<WorkflowAnswer> {
  const { traceparent, eventId } = request;
  return options.call(message, { traceparent, eventId, signal });
}

/** The same for every event of the document, another one only after a confirmed failure. */
function operationIdOf(request: DeliveryRequest<CanonicalEvent>): string {
  return uuidv5(`${request.body.effectkey}|${request.generation}`, operationNamespace);
}

function invoiceOf(event: CanonicalEvent): CanonicalInvoice {
  if (event.data === undefined) throw new TypeError("the claim check has not been redeemed");
  return event.data;
}

const noLookups = (requests: readonly unknown[]): Promise<null[]> =>
  Promise.resolve(requests.map(() => null));
