export interface EmailRequest {
  readonly senderAddress: string;
  readonly content: {
    readonly subject: string;
    readonly html?: string;
    readonly plainText?: string;
  };
  readonly recipients: {
    readonly to: readonly { readonly address: string; readonly displayName?: string }[];
  };
  readonly headers?: Readonly<Record<string, string>>;
}

export type CheckedEmail =
  { readonly email: EmailRequest } | { readonly code: string; readonly problem: string };

const ADDRESS = /^[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+$/;

/** Checks a send request as the service does: shape, addresses, linked sender domain, recipient count. */
export function checkEmail(
  text: string,
  maxRecipients: number,
  domains: readonly string[],
): CheckedEmail {
  const email = parse(text);
  if (email === undefined) return refuse("InvalidJson", "The request body is not valid JSON.");
  const { senderAddress, content, recipients } = email as Partial<EmailRequest>;
  if (typeof senderAddress !== "string" || !ADDRESS.test(senderAddress)) {
    return refuse("InvalidSender", "The senderAddress is missing or not an address.");
  }
  const domain = senderAddress.slice(senderAddress.indexOf("@") + 1).toLowerCase();
  if (!domains.includes("*") && !domains.includes(domain)) {
    return refuse("DomainNotLinked", "The sender's domain is not linked to this resource.");
  }
  if (typeof content?.subject !== "string" || (content.html ?? content.plainText) === undefined) {
    return refuse("InvalidContent", "content needs a subject and html or plainText.");
  }
  const to = recipients?.to ?? [];
  if (to.length === 0 || to.length > maxRecipients) {
    return refuse("InvalidRecipients", `recipients.to needs 1 to ${maxRecipients} addresses.`);
  }
  return to.every(({ address }) => ADDRESS.test(address))
    ? { email: email as EmailRequest }
    : refuse("InvalidRecipients", "An address in recipients.to is not valid.");
}

function parse(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(code: string, problem: string): CheckedEmail {
  return { code, problem };
}
