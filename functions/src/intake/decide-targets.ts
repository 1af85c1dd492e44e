import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../../schemas/types/canonical-invoice.ts";
import type { AcceptTarget } from "../delivery/ledger-port.ts";
import type { LoadedFlow } from "../flows/load-flows.ts";
import { isSkip, resolveTarget, type SkipRule } from "../flows/resolve-target.ts";
import type { AppConfig } from "../platform/config.ts";

/** Every target of the flow: to be delivered to, or skipped by a rule that has a name. */
export async function decideTargets(
  flow: LoadedFlow,
  event: CanonicalEvent,
  invoice: CanonicalInvoice,
  config: AppConfig,
  now: number,
): Promise<readonly AcceptTarget[]> {
  return Promise.all(
    Object.values(flow.targets).map(async (target): Promise<AcceptTarget> => {
      const resolved = resolveTarget(flow.flow, target.name, invoice, config, now);
      if (isSkip(resolved)) return toSkipped(target.name, resolved.skip);
      const wanted = await target.wants(event);
      return wanted
        ? { name: target.name, initial: { state: "pending" } }
        : toSkipped(target.name, "NOT_FOR_TARGET");
    }),
  );
}

function toSkipped(name: string, rule: SkipRule): AcceptTarget {
  return { name, initial: { state: "skipped", rule } };
}
