import { compileWhen } from "../../functions/src/flows/load-flows.ts";
import type { LoadedFlow, LoadedTarget } from "../../functions/src/flows/load-flows.ts";
import type { FlowTarget } from "../../schemas/types/flow.ts";

const events = ["SalesInvoicePostedBusinessEvent", "CustFreeTextInvoicePostedBusinessEvent"];

/** A flow without mappings, for what only asks which documents it takes; both kinds of invoices unless said. */
export function lightFlow(
  targets: Readonly<Record<string, Partial<FlowTarget>>> = { ce: {} },
  businessEvents: readonly string[] = events,
): LoadedFlow {
  const loaded = Object.entries(targets).map(([name, changes]): [string, LoadedTarget] => {
    const kind = name === "ce" ? "dataverse" : "workflow";
    const definition: FlowTarget = { kind, mapping: `${name}.mapping.json`, ...changes };
    const wants = compileWhen(definition.when);
    return [name, { name, definition, wants, texts: {} } as unknown as LoadedTarget];
  });
  const definitions = loaded.map(([name, { definition }]) => [name, definition] as const);
  return {
    name: "invoice-posted",
    flow: {
      name: "invoice-posted",
      businessEvents: [...businessEvents],
      enrichment: "invoice-posted",
      canonical: "canonical/invoice-posted.v1",
      targets: Object.fromEntries(definitions),
    },
    targets: Object.fromEntries(loaded),
  };
}
