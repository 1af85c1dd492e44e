import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { restOf } from "../../delivery/stored-delivery.ts";
import { askFlow } from "../../flows/ask-flow.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import { rebuildEvents } from "./rebuild-events.ts";
import type { OldEvent, RebuildDependencies } from "./rebuild-events.ts";
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
  const olds = stored.filter((each) => typeof each === "object");
  const rebuilt = await rebuildEvents(on, olds, AbortSignal.timeout(longestReadMs));
  const answers = new Map(olds.map((old, index) => [old, rebuilt[index]]));
  const previews = candidates.map(async ({ target, businessKey }, index) => {
    const old = stored[index];
    const example = { target, businessKey, changes: [], refusal: "" };
    if (typeof old !== "object") return { ...example, refusal: old ?? "" };
    const before = old.event;
    const after = answers.get(old);
    if (after?.kind === "event") {
      const changes = "data" in before ? diffEvents(before, after.event) : allRead;
      return { ...example, changes, refusal: await toFlowText(on, after.event, target) };
    }
    if (after?.kind === "refused") return { ...example, refusal: `${after.code}: ${after.reason}` };
    return { ...example, refusal: `F&O cannot be read now (${after?.code ?? "no answer"})` };
  });
  return Promise.all(previews);
}

async function toFlowText(
  { flows }: RebuildDependencies,
  event: CanonicalEvent,
  target: string,
): Promise<string> {
  const refusal = await askFlow(flows, event, target);
  if (refusal === undefined) return "";
  return `${"skip" in refusal ? refusal.skip : refusal.code}: ${refusal.reason}`;
}

/** The event, or why there is none to compare. */
async function readStored(
  on: RebuildDependencies,
  { eventId, target, time }: Candidate,
): Promise<OldEvent | string> {
  // Intake reads F&O by itself when it gets the business event again.
  if (target === intakeTarget || eventId === "") return "";
  const id = { eventId, time, target };
  const stored = await on.ledger.loadStored(id);
  try {
    return { event: await on.ledger.carriedBy(stored, eventId), stored };
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    const event = restOf(stored, id);
    return event === undefined ? `${error.code}: ${error.message}` : { event, stored };
  }
}
