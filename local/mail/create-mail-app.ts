import { allowLoopbackPages } from "../loopback-origin.ts";
import { Hono, type Context } from "hono";
import { randomUUID } from "node:crypto";
import type { LocalServices } from "../cloud.ts";
import { createFaults, type Faults } from "../faults.ts";
import { createRequestCounts } from "../request-counts.ts";
import { checkEmail, type EmailRequest } from "./check-email.ts";
import { createMailbox, type Mailbox } from "./mailbox.ts";
import { createQuota, customDomainQuota, managedDomainQuota, type Quota } from "./quota.ts";

const AUDIENCE = "https://communication.azure.com";
/** "Communication and Email Service Owner", as public templates name it; the resource may name others. */
const SEND_ROLES: readonly string[] = ["09976791-48a7-449e-bb21-39d1a415f350"];
/** 10 MB a message with attachments: https://learn.microsoft.com/azure/communication-services/concepts/service-limits */
const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;
const MAX_RECIPIENTS = 50;

interface Operation {
  readonly id: string;
  status: "Running" | "Succeeded" | "Failed";
  error?: { readonly code: string; readonly message: string };
}

export interface MailSettings {
  /** ARM id of the communication service; role assignments are checked at it. */
  readonly resourceId?: string;
  readonly sendRoleIds?: readonly string[];
  /** Sender domains that are linked to the service; "*" takes any. */
  readonly domains: readonly string[];
  /** Off in load runs: Azure's quota would be the only thing measured. */
  readonly enforceQuota: boolean;
  /** From "Running" to the inbox. */
  readonly deliveryMs: number;
  /** Share of the accepted mails that fail afterwards, as a recipient's domain that refuses them. */
  readonly failShare: number;
}

export interface MailApp {
  readonly app: Hono;
  readonly faults: Faults;
  readonly mailbox: Mailbox;
  /** Mails that were accepted and failed afterwards. */
  readonly failedMails: () => number;
  configure(settings: Partial<MailSettings>): void;
}

/**
 * Azure Communication Services Email (REST 2025-09-01) with an inbox behind it.
 *
 * An operation is Running from its 202 until the mail is in the inbox, then Succeeded; an address in
 * the domain `bounce.example` makes it Failed. A repeated Operation-Id sends again: Azure's answer to
 * that is not documented, so the harsher one is simulated.
 */
export function createMailApp(services: LocalServices): MailApp {
  const app = new Hono();
  const { clock } = services;
  const mailbox = createMailbox(clock);
  const { random = Math.random } = services;
  const faults = createFaults(clock, { random });
  const operations = new Map<string, Operation>();
  let failedMails = 0;
  let settings: MailSettings = {
    domains: ["*"],
    enforceQuota: true,
    deliveryMs: 50,
    failShare: 0,
  };
  const quotas = {
    custom: createQuota(clock, customDomainQuota),
    managed: createQuota(clock, managedDomainQuota),
  };

  app.use(allowLoopbackPages);
  app.use(createRequestCounts());
  app.use(faults.middleware);
  app.get("/messages", (c) => c.json(mailbox.list()));
  app.get("/sim/subjects", (c) =>
    c.json(
      mailbox
        .list()
        .slice(Number(c.req.query("skip") ?? 0))
        .map(({ subject, receivedAt }) => ({ subject, receivedAt })),
    ),
  );
  app.delete("/messages", (c) => {
    mailbox.clear();
    return c.body(null, 204);
  });
  app.get("/messages/:id/html", (c) => {
    const wanted = c.req.param("id");
    const message = mailbox
      .list()
      .find(({ id, operationId }) => id === wanted || operationId === wanted);
    return message === undefined ? c.notFound() : c.html(message.html);
  });

  app.use("/emails*", async (c, next) => {
    const refusal = await authorize(c as Context, services, settings);
    if (refusal !== undefined) return refusal;
    return next();
  });
  // Hono would take ":send" for a parameter, so the path is compared as text.
  app.post("*", async (c) => {
    if (c.req.path !== "/emails:send") return c.notFound();
    const text = await c.req.text();
    if (text.length > MAX_MESSAGE_BYTES) {
      return acsError(c, 413, "RequestEntityTooLarge", "The message is over 10 MB.");
    }
    const checked = checkEmail(text, MAX_RECIPIENTS, settings.domains);
    if ("problem" in checked) return acsError(c, 400, checked.code, checked.problem);
    const quota = quotaOf(checked.email, quotas);
    const waitSeconds = settings.enforceQuota ? quota.takeSend() : 0;
    if (waitSeconds > 0) return tooMany(c, waitSeconds);
    const operation = startOperation(c.req.header("operation-id") ?? randomUUID());
    clock.setTimer(() => finish(operation, checked.email), settings.deliveryMs);
    c.header("Operation-Location", operationUrl(c, operation.id));
    c.header("retry-after", "1");
    return c.json({ id: operation.id, status: operation.status }, 202);
  });
  app.get("/emails/operations/:id", (c) => {
    const waitSeconds = settings.enforceQuota ? quotas.custom.takeStatus() : 0;
    if (waitSeconds > 0) return tooMany(c, waitSeconds);
    const operation = operations.get(c.req.param("id").toLowerCase());
    if (operation === undefined) {
      return acsError(c, 404, "OperationNotFound", "The operation was not found.");
    }
    const { id, status, error } = operation;
    return c.json({ id, status, ...(error === undefined ? {} : { error }) });
  });

  function startOperation(id: string): Operation {
    const operation: Operation = { id, status: "Running" };
    operations.set(id.toLowerCase(), operation);
    return operation;
  }

  function finish(operation: Operation, email: EmailRequest): void {
    const bounces = email.recipients.to.some(({ address }) => address.endsWith("@bounce.example"));
    if (bounces || random() < settings.failShare) {
      failedMails += 1;
      operation.status = "Failed";
      operation.error = {
        code: "EmailDropped",
        message: "The recipient's domain refused the mail.",
      };
      return;
    }
    operation.status = "Succeeded";
    mailbox.add({
      operationId: operation.id,
      via: "acs",
      from: email.senderAddress,
      to: email.recipients.to.map(({ address }) => address),
      subject: email.content.subject,
      html: email.content.html ?? "",
      text: email.content.plainText ?? "",
      headers: email.headers ?? {},
    });
  }

  return {
    app,
    faults,
    mailbox,
    failedMails: () => failedMails,
    configure: (changes) => {
      settings = { ...settings, ...changes };
    },
  };
}

async function authorize(
  c: Context,
  services: LocalServices,
  settings: MailSettings,
): Promise<Response | undefined> {
  const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  if (token === undefined) return acsError(c, 401, "Unauthorized", "The bearer token is missing.");
  try {
    const { principalId } = await services.tokens.verify(token, [AUDIENCE]);
    const roles = settings.sendRoleIds ?? SEND_ROLES;
    const isAllowed =
      settings.resourceId === undefined ||
      services.access.allows(principalId, roles, settings.resourceId);
    return isAllowed
      ? undefined
      : acsError(c, 403, "Forbidden", "The identity holds no role that may send mail here.");
  } catch (error) {
    return acsError(c, 401, "Unauthorized", error instanceof Error ? error.message : "bad token");
  }
}

function quotaOf(
  email: EmailRequest,
  quotas: { readonly custom: Quota; readonly managed: Quota },
): Quota {
  return email.senderAddress.toLowerCase().endsWith(".azurecomm.net")
    ? quotas.managed
    : quotas.custom;
}

function tooMany(c: Context, waitSeconds: number): Response {
  c.header("Retry-After", String(waitSeconds));
  return acsError(c, 429, "TooManyRequests", "The sending limit of the domain is reached.");
}

function acsError(
  c: Context,
  status: 400 | 401 | 403 | 404 | 413 | 429,
  code: string,
  message: string,
): Response {
  return c.json({ error: { code, message } }, status);
}

function operationUrl(c: Context, id: string): string {
  const { origin, searchParams } = new URL(c.req.url);
  const version = searchParams.get("api-version") ?? "2025-09-01";
  return `${origin}/emails/operations/${id}?api-version=${version}`;
}
