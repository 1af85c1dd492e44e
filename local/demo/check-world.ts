import { isAsExpected, type TrackedEvent } from "./tracked-event.ts";
import type { Systems } from "./systems.ts";

/** What an outsider finds in the systems, against what the ledger says. */
export interface WorldCheck {
  readonly lost: number;
  readonly duplicated: number;
  /** One line each, for a person. */
  readonly problems: readonly string[];
}

/**
 * Asks CE, the CRM and the mailbox for every document and counts: an effect that the ledger promises and
 * nobody finds is lost, a second one is a duplicate.
 */
export async function checkWorld(
  events: readonly TrackedEvent[],
  systems: Systems,
  expectedLines: number,
): Promise<WorldCheck> {
  const [ce, ceLines, crm, mail] = await Promise.all([
    systems.ceInvoices(),
    systems.ceLineCount(),
    systems.crmInvoices(),
    systems.messages(),
  ]);
  const problems: string[] = [];
  let lost = 0;
  let duplicated = 0;
  for (const event of events) {
    if (!isAsExpected(event)) problems.push(`${event.businessKey}: ${describe(event)}`);
    const number = event.businessKey.slice(event.businessKey.indexOf("/") + 1);
    const company = event.businessKey.slice(0, event.businessKey.indexOf("/"));
    const found: Readonly<Record<string, number>> = {
      ce: ce.filter((row) => row.description?.includes(`${number} of ${company},`) === true).length,
      crm: crm.filter((row) => row.Name === number && row.Company__c === company).length,
      email: mail.filter(({ subject }) => isAbout(subject, number, company)).length,
    };
    for (const [target, status] of Object.entries(event.expected)) {
      const wanted = status === "delivered" ? 1 : 0;
      const count = found[target] ?? 0;
      if (count === wanted) continue;
      if (count < wanted) lost += 1;
      else duplicated += count - wanted;
      problems.push(`${event.businessKey}: ${target} holds ${count} of ${wanted}`);
    }
  }
  // Whatever else is there was made by something that must not have an effect, such as the test event.
  const totals: Readonly<Record<string, number>> = {
    ce: ce.length,
    crm: crm.length,
    email: mail.length,
  };
  for (const [target, total] of Object.entries(totals)) {
    const wanted = events.filter(({ expected }) => expected[target] === "delivered").length;
    if (total !== wanted)
      problems.push(`${target} holds ${total} effects in all, expected ${wanted}`);
  }
  if (ceLines !== expectedLines) {
    problems.push(`ce holds ${ceLines} invoice lines, expected ${expectedLines}`);
  }
  return { lost, duplicated, problems };
}

function describe(event: TrackedEvent): string {
  return Object.entries(event.expected)
    .map(([target, wanted]) => {
      const actual = event.targets.get(target);
      return `${target} ${actual?.status ?? "unknown"}${actual?.detail == null ? "" : ` (${actual.detail})`}, expected ${wanted}`;
    })
    .join("; ");
}

/** Companies number their documents alike, so a subject has to name both. */
function isAbout(subject: string, number: string, company: string): boolean {
  return subject.includes(number) && subject.toLowerCase().includes(company);
}
