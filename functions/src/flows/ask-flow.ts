import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { LoadedFlow } from "./load-flows.ts";

/** A rule's decision, or `when` fails on this event: a code, as at intake. */
type FlowRefusal =
  | { readonly skip: "NOT_FOR_TARGET"; readonly reason: string }
  | { readonly code: "SOURCE_INVALID"; readonly reason: string };

/**
 * Why today's flow does not want the event at the target; undefined: it does. A flow that is gone is no rule: what
 * was accepted for it waits until the flow is back (docs/decisions/0002).
 */
export async function askFlow(
  flows: readonly LoadedFlow[],
  event: CanonicalEvent,
  target: string,
): Promise<FlowRefusal | undefined> {
  const flow = flows.find(({ name }) => name === event.flow);
  if (flow === undefined) return undefined;
  try {
    if ((await flow.targets[target]?.wants(event)) === true) return undefined;
    const reason = `the flow ${flow.name} does not want it at ${target}`;
    return { skip: "NOT_FOR_TARGET", reason };
  } catch (error) {
    // JSONata throws objects that are no errors.
    const what = error instanceof Error ? error.message : "a flow's expression failed";
    return { code: "SOURCE_INVALID", reason: what.slice(0, 300) };
  }
}

/** False: no flow says no to anything at the target, and nobody needs to read an event to ask. */
export function mayRefuse(flows: readonly LoadedFlow[], target: string): boolean {
  return flows.some(({ targets }) => {
    const named = targets[target];
    return named === undefined || named.definition.when !== undefined;
  });
}
