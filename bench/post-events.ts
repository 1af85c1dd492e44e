import { callJson, toJsonInit } from "./call-json.ts";

/** One posted document: `<company>/<number>`, and when F&O's send of its event was acknowledged. */
export interface PostedEvent {
  readonly key: string;
  readonly sentAt: number;
}

interface PostAnswer {
  readonly documents: readonly {
    readonly legalEntity: string;
    readonly number: string;
    readonly eventId: string;
  }[];
  readonly sendings: readonly {
    readonly eventId: string;
    readonly state: string;
    readonly sentAt?: string;
    readonly lastError?: string;
  }[];
}

/** Customers of several companies, each with an address, so that all three targets get every document. */
const customers = [
  { company: "usmf", customer: "US-001" },
  { company: "demf", customer: "DE-001" },
  { company: "gbsi", customer: "GB-001" },
  { company: "jpmf", customer: "JP-001" },
] as const;

const documentsPerRequest = 50;
/** Enough that F&O's own four senders are never idle. */
const requestsAtOnce = 2;

/**
 * Has F&O post documents of one to five lines, one after the other as fast as its own senders go; gives
 * them in the order of posting. `door`: the one endpoint that F&O sends to.
 */
export async function postEvents(
  financeUrl: string,
  count: number,
  options: { readonly door: string; readonly onProgress: (posted: number) => void },
): Promise<readonly PostedEvent[]> {
  const posted: PostedEvent[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next / documentsPerRequest;
      const repeat = Math.min(documentsPerRequest, count - next);
      next += repeat;
      posted.push(...(await postSome(financeUrl, index, repeat, options.door)));
      options.onProgress(posted.length);
    }
  };
  await Promise.all(Array.from({ length: requestsAtOnce }, worker));
  return posted;
}

async function postSome(
  financeUrl: string,
  index: number,
  repeat: number,
  door: string,
): Promise<readonly PostedEvent[]> {
  const body = {
    ...customers[index % customers.length],
    kind: index % 7 === 0 ? "freeText" : "sales",
    lines: 1 + (index % 5),
    repeat: Math.max(repeat, 2),
    door,
    wait: true,
  };
  const { documents, sendings } = (await callJson(
    `${financeUrl}/sim/post-invoice`,
    toJsonInit("POST", body),
  )) as PostAnswer;
  const sent = new Map(sendings.map((sending) => [sending.eventId, sending]));
  return documents.map(({ legalEntity, number, eventId }) => {
    const sending = sent.get(eventId);
    if (sending?.sentAt === undefined) {
      throw new Error(`F&O could not send ${legalEntity}/${number}: ${sending?.lastError ?? "?"}`);
    }
    return { key: `${legalEntity}/${number}`, sentAt: Date.parse(sending.sentAt) };
  });
}
