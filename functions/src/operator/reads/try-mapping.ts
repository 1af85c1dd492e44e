import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../../schemas/types/canonical-invoice.ts";
import type { LoadedTarget } from "../../flows/load-flows.ts";
import { collectLookups, mapEvent } from "../../flows/map-event.ts";
import type { LookupResolver } from "../../flows/map-event.ts";
import type { SchemaSet } from "../../flows/schema-set.ts";
import { asError } from "../../platform/causeway-error.ts";
import type { TryAnswer } from "./answers.ts";

export type TryResult =
  | { readonly kind: "tried"; readonly answer: TryAnswer }
  /** What the person typed is no invoice. */
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/**
 * A mapping applied to a document, without asking or writing any system: every row that it looks up is
 * taken to be there, and shown by its name.
 */
export async function tryMapping(
  target: LoadedTarget,
  document: unknown,
  schemas: SchemaSet,
): Promise<TryResult> {
  const problems = schemas.problems("canonical/invoice-posted.v1", document);
  if (problems.length > 0) {
    return {
      kind: "invalid",
      problems: problems.slice(0, 20).map(({ path, message }) => `${path} ${message}`),
    };
  }
  const invoice = document as CanonicalInvoice;
  const event = { data: invoice };
  try {
    const mapped = await mapEvent(target.mapping, event, foundByName);
    return {
      kind: "tried",
      answer: {
        event: invoice,
        isWanted: await isWanted(target, invoice),
        record: mapped.record,
        lookups: collectLookups(target.mapping, event).map(({ label }) => label),
        rejected: mapped.rejected?.reason ?? null,
      },
    };
  } catch (error) {
    // An expression that fails on this document is what a person wants to see here.
    const rejected = asError(error).message;
    const answer = { event: invoice, isWanted: true, record: {}, lookups: [], rejected };
    return { kind: "tried", answer };
  }
}

const foundByName: LookupResolver = (requests) =>
  Promise.resolve(
    requests.map(({ tables: [first], label }) => ({ table: first?.table ?? "", id: label })),
  );

/** `when` sees the whole event; only what a flow may ask about is made up. */
function isWanted(target: LoadedTarget, invoice: CanonicalInvoice): Promise<boolean> {
  const event = {
    type: "dynamics365.finance.invoice.posted.v1",
    subject: `${invoice.legalEntity}/${invoice.number}`,
    data: invoice,
  };
  return target.wants(event as CanonicalEvent);
}
