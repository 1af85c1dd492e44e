import type { AmqpValue } from "./amqp-value.ts";
import { readApplicationProperties, readProperties, type RawMessage } from "./raw-message.ts";

/** The system properties that filters can name, by their lower-case names in SQL. */
const systemNames = {
  contenttype: "contentType",
  correlationid: "correlationId",
  label: "subject",
  subject: "subject",
  messageid: "messageId",
  replyto: "replyTo",
  replytosessionid: "replyToSessionId",
  sessionid: "sessionId",
  to: "to",
} as const;

export type SystemProperty = (typeof systemNames)[keyof typeof systemNames];

export function toSystemProperty(name: string): SystemProperty | undefined {
  const key = name.toLowerCase();
  return Object.hasOwn(systemNames, key) ? systemNames[key as keyof typeof systemNames] : undefined;
}

/** What rules see of one message: decoded when first asked for, once for all rules of a topic. */
export class FilterView {
  readonly #raw: RawMessage;
  #system: Partial<Record<SystemProperty, string>> | undefined;
  #user: ReadonlyMap<string, AmqpValue> | undefined;
  #userByLowerName: ReadonlyMap<string, AmqpValue> | undefined;

  constructor(raw: RawMessage) {
    this.#raw = raw;
  }

  system(name: SystemProperty): string | undefined {
    this.#system ??= readProperties(this.#raw);
    return this.#system[name];
  }

  /** An application property by its exact name. */
  user(name: string): AmqpValue | undefined {
    this.#user ??= readApplicationProperties(this.#raw);
    return this.#user.get(name);
  }

  /** An application property as SQL names it: ignoring case. */
  userIgnoringCase(name: string): AmqpValue | undefined {
    const exact = this.user(name);
    if (exact !== undefined) return exact;
    this.#userByLowerName ??= new Map(
      [...(this.#user ?? [])].map(([key, value]) => [key.toLowerCase(), value]),
    );
    return this.#userByLowerName.get(name.toLowerCase());
  }
}
