import { v5 as uuidv5 } from "uuid";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../../schemas/types/canonical-invoice.ts";
import type { MailTexts } from "../../../../schemas/types/mail-texts.ts";
import type { DataverseFailure } from "../../dynamics/dataverse-failure.ts";
import type { CompiledMapping } from "../../flows/compile-mapping.ts";
import { mapEvent } from "../../flows/map-event.ts";
import { awayFailureOf } from "../dataverse/patient-question.ts";
import { NotCalledError } from "../not-called-error.ts";
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
/**
 * When an accepted mail is asked about, counted from the question before. Few and far: the service allows
 * 200 questions an hour (20 on a managed domain) for the 90 (9) mails that we send in it.
 */
const checkDelaysMs = [700, 10_000, 60_000, 300_000, 900_000] as const;
/** Longer than the caller waits for the workflow, so that a slow first call is over before we ask. */
const checkAfterTimeoutMs = 120_000;
const askOwnerAfterMs = 60_000;
const acceptedMemo = /^accepted:(\d+)$/;

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
    const message = await prepare(options, request);
    if (!isMessage(message)) return message;
    return toSendOutcome(await call(options, message, request, signal));
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
      return toStatusOutcome(answer, operationId, request.memo);
    },
  };
}

/**
 * The mail, or why there is none. Nothing has been sent when this throws, and it says so. CE being away while it
 * is asked for the recipient is CE's trouble: no attempt of this mail, and the mail's own gate learns nothing.
 */
async function prepare(
  options: EmailTargetOptions,
  request: DeliveryRequest<CanonicalEvent>,
): Promise<SendMessage | Outcome> {
  try {
    const settings = options.settingsOf(request.body);
    const address = await originalRecipient(options, settings, request.body);
    if (address === null || address === "")
      return { kind: "skipped", rule: "NO_RECIPIENT", asked: false };
    const to = recipient(settings, address);
    if (to === undefined) return { kind: "skipped", rule: "RECIPIENT_NOT_ALLOWED", asked: false };
    const message = await toMessage(options, settings, request, to, address);
    if (settings.mode === "dryRun" && isMessage(message))
      return { kind: "skipped", rule: "DRY_RUN", wouldSend: message, asked: false };
    return message;
  } catch (error) {
    const failure = awayFailureOf(error);
    if (failure === undefined) throw new NotCalledError(error);
    return toOwnerAway(failure);
  }
}

/** With a time in any case: that is what parks it. */
function toOwnerAway(failure: DataverseFailure): Outcome {
  const { afterMs = askOwnerAfterMs, code, message } = failure;
  const reason = `CE was asked for the account's owner: ${message} (${code})`;
  return { kind: "retry", code: "MAIL_OWNER_UNREACHABLE", reason, afterMs, asked: false };
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
    return { kind: "reject", code: "MAIL_NOT_CONFIGURED", reason, asked: false };
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

function toSendOutcome(answer: WorkflowAnswer): Outcome | null {
  if (answer.kind === "noAnswer" && !answer.sent) {
    return answer.code === "ABORTED" ? null : toRetry(answer, "MAIL");
  }
  if (answer.kind === "refused") return toRetry(answer, "MAIL");
  const status = answer.kind === "answered" ? answer.body.status : "unsure";
  if (status === "accepted") return toAccepted(0);
  if (answer.kind === "answered" && status === "reject") return toReject(answer.body, "MAIL");
  if (status === "retry") return toRetry(answer, "MAIL");
  return {
    kind: "unsure",
    code: "MAIL_OUTCOME_UNKNOWN",
    checkAfterMs: checkAfterTimeoutMs,
    ...(answer.kind === "noAnswer" ? { silent: true } : {}),
  };
}

/** The service has the mail; the memo counts our questions and outlives restarts. */
function toAccepted(questions: number, isLost = false): Outcome {
  const last = checkDelaysMs.length - 1;
  return {
    kind: "unsure",
    ...(isLost
      ? { code: "MAIL_STATUS_LOST" }
      : {
          code: "MAIL_ACCEPTED",
          reason: "the mail service took it and will be asked whether it was sent",
        }),
    memo: `accepted:${questions}`,
    checkAfterMs: checkDelaysMs[Math.min(questions, last)] ?? checkAfterTimeoutMs,
  };
}

function toStatusOutcome(
  answer: WorkflowAnswer,
  operationId: string,
  memo: string | null,
): Outcome {
  // Nobody was asked: the outage's time counts against no limit, and the claim stays.
  if (answer.kind !== "answered") {
    return {
      kind: "retry",
      code: "MAIL_UNREACHABLE",
      reason: "the status was not told",
      unreachable: true,
    };
  }
  const { body } = answer;
  const questions = Number(acceptedMemo.exec(memo ?? "")?.[1] ?? 0);
  const isAccepted = memo !== null && acceptedMemo.test(memo);
  switch (body.status) {
    case "delivered":
      return { kind: "delivered", reference: body.reference ?? operationId };
    case "absent":
      // Once accepted, absence proves nothing: the service is slow to show it, or has forgotten it.
      return isAccepted
        ? toAccepted(questions + 1, true)
        : {
            kind: "retry",
            code: "MAIL_NOT_SENT",
            reason: "the mail service knows no such operation",
          };
    case "reject":
      return toReject(body, "MAIL");
    case "running":
      return toAccepted(questions + 1);
    default: {
      // Never without a time: an ordinary retry would give the claim back.
      const afterMs = Math.max((body.retryAfterSeconds ?? 60) * 1000, 1_000);
      const reason = body.reason ?? "the status was not told";
      return { kind: "retry", code: body.code ?? "MAIL_STATUS_UNKNOWN", reason, afterMs };
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
