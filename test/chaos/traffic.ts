import type { Accepted } from "./check-world.ts";
import type { ChosenDocument, Door } from "./choose-document.ts";

export interface PostOptions {
  readonly round: string;
  readonly document: ChosenDocument;
  /** The document's own when left out. */
  readonly doors?: readonly Door[];
  readonly lines?: readonly object[];
}

export interface Traffic {
  readonly documents: readonly Accepted[];
  /** Events that stand in F&O's error list. */
  readonly refused: () => number;
  /** Posts one document and keeps it. */
  post(options: PostOptions): Promise<Accepted>;
  /** F&O's own way to send an event again; with `newEventId` as another event for the same document. */
  resend(
    document: Accepted,
    how: { readonly newEventId: boolean; readonly door: Door },
  ): Promise<{ readonly isAccepted: boolean }>;
  /** What an operator of F&O does with its error list, until the list is empty. */
  resendErrors(): Promise<void>;
}

interface Sending {
  readonly eventId: string;
  readonly state: string;
}

const resendLimit = 60;
const resendPauseMs = 500;

/**
 * Documents as F&O posts them, each under a number that no other has; F&O's answers are kept, nothing else. Numbers are
 * given out as documents come: which of a round's documents has which depends on the run.
 */
export function createTraffic(financeUrl: string): Traffic {
  const documents: (Accepted & { eventIds: string[] })[] = [];
  const refused = new Set<string>();
  const sim = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`${financeUrl}/sim/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`F&O answered ${response.status} to ${path}`);
    return response.json();
  };
  /** Accepted is what F&O got an acknowledgement for; the rest stands in its error list. */
  const note = (sendings: readonly Sending[]): void => {
    for (const { eventId, state } of sendings) {
      if (state === "error") refused.add(eventId);
    }
  };
  return {
    documents,
    refused: () => refused.size,
    post: async ({ round, document: chosen, doors, lines }) => {
      const { company, customer, mailTo, lines: count, kind } = chosen;
      const number = `CHAOS-${String(documents.length).padStart(6, "0")}`;
      const eventIds: string[] = [];
      const document = { number, round, mailTo, lines: lines?.length ?? count, eventIds };
      documents.push(document);
      const door = doors ?? [chosen.door];
      const posted = (await sim("post-invoice", {
        ...{ number, company, customer, kind, lines: lines ?? count, door, wait: true },
      })) as { readonly eventId: string; readonly sendings: readonly Sending[] };
      document.eventIds.push(posted.eventId.toLowerCase());
      note(posted.sendings);
      return document;
    },
    resend: async (document, { newEventId, door }) => {
      const [eventId] = document.eventIds;
      const again = (await sim("resend", { eventId, newEventId, door })) as {
        readonly eventId: string;
        readonly sendings: readonly Sending[];
      };
      const known = documents.find(({ number }) => number === document.number);
      if (newEventId) known?.eventIds.push(again.eventId.toLowerCase());
      note(again.sendings);
      return { isAccepted: again.sendings.every(({ state }) => state === "sent") };
    },
    resendErrors: async () => {
      for (let round = 0; refused.size > 0; round += 1) {
        if (round >= resendLimit) throw new Error(`${refused.size} events were never accepted`);
        for (const eventId of [...refused]) {
          const { sendings } = (await sim("resend", { eventId })) as {
            readonly sendings: readonly Sending[];
          };
          if (sendings.every(({ state }) => state === "sent")) refused.delete(eventId);
        }
        if (refused.size > 0) await new Promise((resolve) => setTimeout(resolve, resendPauseMs));
      }
    },
  };
}
