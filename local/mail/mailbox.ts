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

/** Of older mails only the envelope is kept, so that a long run keeps its memory flat. */
const KEPT_BODIES = 2_000;
/** Enough for every run we have; the oldest go first. */
const MAX_MESSAGES = 200_000;

export function createMailbox(clock: LocalClock): Mailbox {
  let messages: MailMessage[] = [];
  return {
    list: () => messages,
    add: (message) => {
      const receivedAt = new Date(clock.now()).toISOString();
      messages.push({ id: randomUUID(), receivedAt, ...message });
      const old = messages[messages.length - KEPT_BODIES - 1];
      if (old !== undefined) {
        messages[messages.length - KEPT_BODIES - 1] = { ...old, html: "", text: "", headers: {} };
      }
      if (messages.length > MAX_MESSAGES) messages = messages.slice(-MAX_MESSAGES / 2);
    },
    clear: () => {
      messages = [];
    },
  };
}
