import type { InvocationContext } from "@azure/functions";
import type { Arrived } from "../delivery/run-batch.ts";

/**
 * The messages of an invocation. Hosts leave empty entries out of some arrays: counts are only believed
 * when there are as many as bodies.
 */
export function readArrived(
  input: unknown,
  context: Pick<InvocationContext, "triggerMetadata">,
): readonly Arrived[] {
  const metadata = context.triggerMetadata ?? {};
  if (!Array.isArray(input)) {
    return [{ body: input, deliveryCount: toCount(metadata["deliveryCount"]) }];
  }
  const bodies = input as readonly unknown[];
  const counts = alignedWith(bodies, metadata["deliveryCountArray"]);
  return bodies.map((body, index) => ({ body, deliveryCount: toCount(counts[index]) }));
}

/** The array when it has one entry per body, else nothing. */
export function alignedWith(bodies: readonly unknown[], values: unknown): readonly unknown[] {
  return Array.isArray(values) && values.length === bodies.length ? values : [];
}

function toCount(value: unknown): number | null {
  return typeof value === "number" && Number.isInteger(value) ? value : null;
}
