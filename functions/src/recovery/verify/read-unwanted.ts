import { inParallel } from "../../delivery/batch-writes.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { Ledger } from "../../delivery/ledger.ts";
import { askFlow, mayRefuse } from "../../flows/ask-flow.ts";
import type { LoadedFlow } from "../../flows/load-flows.ts";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { Finding } from "./verification.ts";

export interface UnwantedDependencies {
  readonly ledger: Pick<Ledger, "loadDeliveryBody">;
  readonly flows: readonly LoadedFlow[];
}

const parallelReads = 16;

/**
 * Of what seems to be missing at a target, by effect key, what the flow of today does not want there. Only the event
 * says so, and reading one costs a request: those that are not missing are not read, nor is any for a target without
 * `when`. A document without an event stays missing: whoever raises one for it decides.
 */
export async function readUnwanted(
  on: UnwantedDependencies,
  target: string,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const unwanted = new Set<string>();
  if (!mayRefuse(on.flows, target)) return unwanted;
  const doubtful = findings.filter(({ eventId, kind }) => kind === "missing" && eventId !== "");
  await inParallel(doubtful, parallelReads, async ({ effectKey, eventId, time }) => {
    signal.throwIfAborted();
    const event = await readEvent(on, { eventId, time, target });
    if (event === undefined) return;
    const refusal = await askFlow(on.flows, event, target);
    if (refusal !== undefined && "skip" in refusal) unwanted.add(effectKey);
  });
  return unwanted;
}

/** Undefined: its retention is over. It stays missing, and a repair reads F&O before it asks. */
async function readEvent(
  { ledger }: UnwantedDependencies,
  id: DeliveryId,
): Promise<CanonicalEvent | undefined> {
  try {
    return await ledger.loadDeliveryBody(id);
  } catch (error) {
    if (isWithoutBody(error)) return undefined;
    throw error;
  }
}
