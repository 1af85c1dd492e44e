import type { Environment } from "../local/environment.ts";
import { callJson } from "./call-json.ts";

export const targets = ["ce", "crm", "email"] as const;
export type TargetName = (typeof targets)[number];

/** What a target holds about a document, as the target itself tells it. */
export interface Effect {
  /** `<company>/<number>`. */
  readonly key: string;
  readonly at: number;
}

/** Asks a target for what it holds beyond the first `skip` effects. */
type ReadEffects = (skip: number) => Promise<readonly Effect[]>;

/** The three targets, asked directly: our ledger has no say in what counts as delivered. */
export function connectTargets(
  environment: Environment,
): Readonly<Record<TargetName, ReadEffects>> {
  const { crm, dataverse, mail } = environment;
  return {
    ce: async (skip) => {
      const columns = "invoicenumber,description";
      const url = `${dataverse.baseUrl}/sim/created/invoice?columns=${columns}&skip=${skip}`;
      const rows = (await callJson(url)) as readonly {
        readonly at: number;
        readonly invoicenumber: string;
        readonly description: string;
      }[];
      // Both our mapping and the sample-style app say the company as "… of <company>, …".
      return rows.map(({ at, invoicenumber, description }) => ({
        key: `${/ of (\w+),/.exec(description)?.[1] ?? "?"}/${invoicenumber}`,
        at,
      }));
    },
    crm: async (skip) => {
      const records = (await callJson(
        `${crm.baseUrl}/sim/records/Invoice__c?skip=${skip}`,
      )) as readonly { readonly Name: string; Company__c: string; CreatedDate: string }[];
      return records.map(({ Name, Company__c, CreatedDate }) => ({
        key: `${Company__c}/${Name}`,
        at: Date.parse(CreatedDate),
      }));
    },
    email: async (skip) => {
      const mails = (await callJson(`${mail.baseUrl}/sim/subjects?skip=${skip}`)) as readonly {
        readonly subject: string;
        readonly receivedAt: string;
      }[];
      return mails.map(({ subject, receivedAt }) => ({
        key: toKey(subject),
        at: Date.parse(receivedAt),
      }));
    },
  };
}

/** Every language's subject names number and company, in an order of its own. */
function toKey(subject: string): string {
  const number = /[A-Z]{3}-\d+/.exec(subject)?.[0] ?? "?";
  const company = /\b(usmf|gbsi|demf|jpmf)\b/i.exec(subject)?.[0].toLowerCase() ?? "?";
  return `${company}/${number}`;
}

export interface WatchOptions {
  readonly wanted: number;
  readonly only: readonly TargetName[];
  /** Gives up when nothing has come for so long. */
  readonly patienceMs: number;
  /** Gives up after this time however much still comes. */
  readonly limitMs: number;
  readonly onProgress: (counts: Readonly<Record<string, number>>) => void;
}

const lookEveryMs = 500;

/** Looks until every target holds as many effects as events were posted, or until nothing comes any more. */
export async function watchEffects(environment: Environment, options: WatchOptions): Promise<void> {
  const read = connectTargets(environment);
  const counts: Record<string, number> = Object.fromEntries(options.only.map((name) => [name, 0]));
  const beganAt = performance.now();
  let lastNews = beganAt;
  for (;;) {
    const before = JSON.stringify(counts);
    for (const name of options.only) {
      const known = counts[name] ?? 0;
      if (known < options.wanted) counts[name] = known + (await read[name](known)).length;
    }
    options.onProgress(counts);
    if (Object.values(counts).every((count) => count >= options.wanted)) return;
    if (JSON.stringify(counts) !== before) lastNews = performance.now();
    const now = performance.now();
    if (now - lastNews > options.patienceMs || now - beganAt > options.limitMs) return;
    await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
  }
}
