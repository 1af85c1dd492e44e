import type { LoadedFlow } from "../../flows/load-flows.ts";
import { isMailTarget, isServed } from "../../flows/resolve-target.ts";
import type { AppConfig } from "../../platform/config.ts";
import type { PostedDocument } from "./verification.ts";

/** The business events by which F&O tells of what it has posted. */
export const businessEventOf: Readonly<Record<PostedDocument["kind"], string>> = {
  sales: "SalesInvoicePostedBusinessEvent",
  freeText: "CustFreeTextInvoicePostedBusinessEvent",
};

interface ServedQuestion {
  /** Left out: any. */
  readonly target?: string;
  /** The ledger has an event of it: then a flow takes its kind. */
  readonly isKnown?: boolean;
}

/** Whether a target takes a document, by the settings of now; however old it is. */
export type IsServed = (document: PostedDocument, question?: ServedQuestion) => boolean;

export function createIsServed(flows: readonly LoadedFlow[], config: AppConfig): IsServed {
  const defined = flows.map(({ flow }) => flow);
  return ({ kind, legalEntity, postedAt }, { target, isKnown = false } = {}) => {
    const named = isKnown ? {} : { businessEventId: businessEventOf[kind] };
    const document = { legalEntity, postedAt: new Date(postedAt).toISOString(), ...named };
    return isServed(defined, document, config, target);
  };
}

/** Targets that send mail, whatever they are called. */
export function toMailTargets(flows: readonly LoadedFlow[]): ReadonlySet<string> {
  const defined = flows.flatMap(({ flow }) => Object.entries(flow.targets));
  return new Set(defined.flatMap(([name, target]) => (isMailTarget(name, target) ? [name] : [])));
}
