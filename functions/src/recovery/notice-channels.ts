import type { Http } from "../platform/http.ts";
import { HttpError } from "../platform/http.ts";
import type { GetToken } from "../platform/token.ts";
import type { FailureOwner } from "./failure-codes.ts";

/** `unknown`: it may have been taken, so nobody sends it again. */
export type NoticeAnswer = "taken" | "refused" | "unknown";

/** One way to tell one owner. */
export interface NoticeChannel {
  /** Partition of its notices. */
  readonly key: string;
  readonly owner: FailureOwner;
  readonly kind: "webhook" | "mail";
  send(text: string, id: string): Promise<NoticeAnswer>;
}

/** Where owners get mail: addresses that the stack's settings name, never one out of a document. */
export interface OwnerMail {
  /** Of the Communication Services resource. */
  readonly endpoint: string;
  readonly apiVersion: string;
  readonly sender: string;
  readonly to: Readonly<Partial<Record<FailureOwner, readonly string[]>>>;
}

export interface ChannelOptions {
  readonly http: Http;
  readonly getToken: GetToken;
  /** The address of a Teams (or any other) webhook that takes `{text}`, by owner. */
  readonly webhooks: Readonly<Partial<Record<FailureOwner, string>>>;
  readonly mail: OwnerMail | undefined;
}

const timeoutMs = 20_000;
const mailAudience = "https://communication.azure.com";
const owners = ["masterData", "finance", "integration"] as const satisfies readonly FailureOwner[];

export function createNoticeChannels(options: ChannelOptions): readonly NoticeChannel[] {
  const { mail, webhooks } = options;
  return owners.flatMap((owner) => {
    const url = webhooks[owner];
    const to = mail?.to[owner] ?? [];
    return [
      ...(url === undefined ? [] : [toWebhook(options, owner, url)]),
      ...(mail === undefined || to.length === 0 ? [] : [toMail(options, owner, mail, to)]),
    ];
  });
}

function toWebhook({ http }: ChannelOptions, owner: FailureOwner, url: string): NoticeChannel {
  return {
    ...{ key: owner, owner, kind: "webhook" },
    send: (text) => post(http, url, {}, { text }),
  };
}

function toMail(
  { getToken, http }: ChannelOptions,
  owner: FailureOwner,
  { apiVersion, endpoint, sender }: OwnerMail,
  to: readonly string[],
): NoticeChannel {
  return {
    ...{ key: `${owner}|mail`, owner, kind: "mail" },
    send: async (text, id) => {
      const token = await getToken(mailAudience).catch(() => undefined);
      if (token === undefined) return "refused";
      const url = `${endpoint.replace(/\/+$/, "")}/emails:send?api-version=${apiVersion}`;
      return post(
        http,
        url,
        { authorization: `Bearer ${token}`, "operation-id": id },
        {
          senderAddress: sender,
          recipients: { to: to.map((address) => ({ address })) },
          content: { subject: toSubject(text), plainText: text },
        },
      );
    },
  };
}

async function post(
  http: Http,
  url: string,
  headers: Readonly<Record<string, string>>,
  content: object,
): Promise<NoticeAnswer> {
  try {
    const { status } = await http({
      method: "POST",
      url,
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(content),
      timeoutMs,
    });
    return status < 300 ? "taken" : status < 500 ? "refused" : "unknown";
  } catch (error) {
    return error instanceof HttpError && !error.sent ? "refused" : "unknown";
  }
}

/** The first sentence. */
function toSubject(text: string): string {
  return (text.split(/[.\n]/)[0] ?? "").slice(0, 120);
}
