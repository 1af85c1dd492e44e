import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import type { EventRest } from "../../delivery/ledger.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import { rebuildEvents } from "./rebuild-events.ts";
import type { RebuildDependencies } from "./rebuild-events.ts";
import type { EventChange } from "./replay-job.ts";
import type { Candidate } from "./select-deliveries.ts";

export interface PreviewedExample {
  readonly target: string;
  readonly businessKey: string;
  /** What F&O says now against what was accepted. */
  readonly changes: readonly EventChange[];
  /** Why it would not be sent as things are; empty else. */
  readonly refusal: string;
}

const longestReadMs = 10_000;

/** What a replay would send for these few; nothing is changed. */
export async function previewChanges(
  on: RebuildDependencies,
  candidates: readonly Candidate[],
): Promise<readonly PreviewedExample[]> {
  const stored = await Promise.all(candidates.map((each) => readStored(on, each)));
  const events = stored.filter((each) => typeof each === "object");
  const rebuilt = await rebuildEvents(on, events, AbortSignal.timeout(longestReadMs));
  const answers = new Map(events.map((event, index) => [event, rebuilt[index]]));
  return candidates.map(({ target, businessKey }, index) => {
    const before = stored[index];
    const example = { target, businessKey, changes: [], refusal: "" };
    if (typeof before !== "object") return { ...example, refusal: before ?? "" };
    const after = answers.get(before);
    if (after?.kind === "event") {
      return { ...example, changes: "data" in before ? diffEvents(before, after.event) : allRead };
    }
    if (after?.kind === "refused") return { ...example, refusal: `${after.code}: ${after.reason}` };
    return { ...example, refusal: `F&O cannot be read now (${after?.code ?? "no answer"})` };
  });
}

/** The event, or why there is none to compare. */
async function readStored(
  on: RebuildDependencies,
  { eventId, target, time }: Candidate,
): Promise<CanonicalEvent | EventRest | string> {
  // Intake reads F&O by itself when it gets the business event again.
  if (target === intakeTarget || eventId === "") return "";
  try {
    return await on.ledger.loadDeliveryBody({ eventId, time, target });
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    const rest = await on.ledger.loadRest(eventId, time);
    if (rest !== undefined) return rest;
    return `${error.code}: ${error.message}`;
  }
}
