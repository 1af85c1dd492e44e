import { randomUUID } from "node:crypto";
import type { LocalClock } from "../clock.ts";

export interface MailMessage {
  readonly id: string;
  readonly receivedAt: string;
  readonly via: "acs" | "smtp";
  readonly operationId: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Mailbox {
  list(): readonly MailMessage[];
  add(message: Omit<MailMessage, "id" | "receivedAt">): void;
  clear(): void;
}

/** Enough for every run we have; the oldest go first, so that a long run keeps its memory flat. */
const MAX_MESSAGES = 50_000;

export function createMailbox(clock: LocalClock): Mailbox {
  let messages: MailMessage[] = [];
  return {
    list: () => messages,
    add: (message) => {
      const receivedAt = new Date(clock.now()).toISOString();
      messages.push({ id: randomUUID(), receivedAt, ...message });
      if (messages.length > MAX_MESSAGES) messages = messages.slice(-MAX_MESSAGES / 2);
    },
    clear: () => {
      messages = [];
    },
  };
}
