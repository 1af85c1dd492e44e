/*
 * What verify may put right by itself: a record that is missing at a target gets its delivery again, by a
 * replay of its own (rate, steps, stopping by itself). A document that F&O raised no event for gets one of
 * ours first, under an id that derives from the document, accepted for exactly the targets where it is
 * missing. The effect is the document's, so the original event arriving later makes no second one.
 */
import { asError, CausewayError } from "../../platform/causeway-error.ts";
import { toReplayId } from "../replay/replay-store.ts";
import { noCounts } from "../replay/replay-job.ts";
import type { ReplayItem, ReplayJob } from "../replay/replay-job.ts";
import { raiseEvent } from "./raise-event.ts";
import type { Raised, RaiseDependencies } from "./raise-event.ts";
import { newerVersionGone } from "./verification.ts";
import type { Finding, PostedDocument, Verification, VerifyCounts } from "./verification.ts";

export type RepairDependencies = RaiseDependencies;

export type Repaired = Pick<Verification, "note" | "repaired" | "replayId">;

/** Mail goes to people: only when it was asked for, by the one word for all targets that send it or by name. */
export interface MailChoice {
  readonly targets: ReadonlySet<string>;
  readonly include: readonly string[];
}

export function isMailLeft({ include, targets }: MailChoice, target: string): boolean {
  return targets.has(target) && !include.includes("email") && !include.includes(target);
}

/** Mails that are missing and were not asked for. */
export function countLeftMails(findings: readonly Finding[], mail: MailChoice): number {
  return findings.filter(({ kind, target }) => kind === "missing" && isMailLeft(mail, target))
    .length;
}

export function countLeftVersions(findings: readonly Finding[]): number {
  return findings.filter(({ cause }) => cause === newerVersionGone).length;
}

/** More is no gap but a fault, and a person's matter: so many in all, and such a share of one target. */
const maxRepairs = 100;
const maxShare = 0.01;
/** Of a handful of documents one is always more than a hundredth. */
const fewRepairs = 5;

export function selectRepairs(
  findings: readonly Finding[],
  counts: readonly VerifyCounts[],
  mail: MailChoice,
): { readonly findings: readonly Finding[] } | { readonly refusal: string } {
  const missing = findings.filter(
    ({ cause, kind, target }) =>
      kind === "missing" && cause !== newerVersionGone && !isMailLeft(mail, target),
  );
  const gaps = toGaps(missing, counts);
  const tooWide = gaps.filter(isTooWide);
  if (tooWide.length === 0 && missing.length <= maxRepairs) return { findings: missing };
  const named = (tooWide.length === 0 ? gaps : tooWide).map(toText).join(", ");
  return { refusal: `${named} are missing: too many to be repaired by themselves` };
}

/** What is missing at one target, and how much was compared there. */
interface Gap {
  readonly target: string;
  readonly missing: number;
  readonly compared: number;
}

function toGaps(missing: readonly Finding[], counts: readonly VerifyCounts[]): readonly Gap[] {
  const targets = [...new Set(missing.map(({ target }) => target))];
  return targets.map((target) => ({
    target,
    missing: missing.filter((each) => each.target === target).length,
    compared: counts.reduce((sum, each) => sum + (each.target === target ? each.compared : 0), 0),
  }));
}

function isTooWide({ compared, missing }: Gap): boolean {
  return missing > fewRepairs && missing > maxShare * compared;
}

/** "30 records (3.0 %) of ce". */
function toText({ compared, missing, target }: Gap): string {
  const share = ((100 * missing) / Math.max(compared, 1)).toFixed(1);
  return `${countOf(missing, "record", "records")} (${share} %) of ${target}`;
}

interface RepairOptions {
  readonly by: string;
  readonly signal: AbortSignal;
  /** As soon as there is something that must not be forgotten, whatever becomes of the rest. */
  readonly onBegun: (begun: Repaired) => Promise<void>;
}

export async function repair(
  on: RepairDependencies,
  findings: readonly Finding[],
  { by, onBegun, signal }: RepairOptions,
): Promise<Repaired> {
  const withEvent = findings.filter(({ eventId }) => eventId !== "");
  const replayId = withEvent.length === 0 ? "" : await beginReplay(on, withEvent, by);
  const replayed = withEvent.length;
  if (replayId !== "") {
    await onBegun({ replayId, repaired: replayed, note: toNote(replayed, new Map()) });
  }
  const raised = await raiseAll(on, findings, signal);
  const repaired = replayed + raised.begun;
  return { replayId, repaired, note: toNote(repaired, raised.left) };
}

interface RaisedAll {
  readonly begun: number;
  /** Documents by the code that says why nothing was begun. */
  readonly left: ReadonlyMap<string, number>;
}

/** One document's trouble is its own, unless it is F&O's: then the others are not tried. */
async function raiseAll(
  on: RepairDependencies,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<RaisedAll> {
  const left = new Map<string, number>();
  let begun = 0;
  let away = "";
  for (const { document, same } of byDocument(findings)) {
    const raised: Raised =
      away === ""
        ? await tryRaise(on, document, same, signal)
        : { begun: 0, code: away, isAway: true };
    begun += raised.begun;
    if (raised.code !== "") left.set(raised.code, (left.get(raised.code) ?? 0) + 1);
    if (raised.isAway) away = raised.code;
  }
  return { begun, left };
}

async function tryRaise(
  on: RepairDependencies,
  document: PostedDocument,
  findings: readonly Finding[],
  signal: AbortSignal,
): Promise<Raised> {
  try {
    return await raiseEvent(on, document, findings, signal);
  } catch (error) {
    on.telemetry.error(asError(error), { name: "verify", effectKey: document.effectKey });
    const code = error instanceof CausewayError ? String(error.code) : asError(error).name;
    return { begun: 0, code, isAway: signal.aborted };
  }
}

function byDocument(
  findings: readonly Finding[],
): readonly { readonly document: PostedDocument; readonly same: readonly Finding[] }[] {
  const documents = new Map<string, { document: PostedDocument; same: Finding[] }>();
  for (const finding of findings) {
    if (finding.eventId !== "") continue;
    const known = documents.get(finding.effectKey) ?? { document: finding.document, same: [] };
    known.same.push(finding);
    documents.set(finding.effectKey, known);
  }
  return [...documents.values()];
}

/** "3 deliveries begun to repair; not begun: 2 documents (SOURCE_NOT_FOUND)". */
function toNote(repaired: number, left: RaisedAll["left"]): string {
  const begun = `${countOf(repaired, "delivery", "deliveries")} begun to repair`;
  const others = [...left].map(
    ([code, count]) => `${countOf(count, "document", "documents")} (${code})`,
  );
  return others.length === 0 ? begun : `${begun}; not begun: ${others.join(", ")}`;
}

function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

async function beginReplay(
  on: RepairDependencies,
  findings: readonly Finding[],
  by: string,
): Promise<string> {
  const now = on.clock.now();
  const id = toReplayId(now);
  const items = findings.map(
    ({ target, eventId, time, legalEntity, number, settledAt }, index): ReplayItem => ({
      number: index,
      target,
      failureId: "",
      failure: null,
      isRepair: true,
      settledAt,
      eventId,
      time,
      businessKey: `${legalEntity}/${number}`,
      state: "planned",
      generation: -1,
      outcome: "",
      changes: [],
    }),
  );
  const perSecond = on.config.operator?.replayPerSecond ?? 50;
  const job: ReplayJob = {
    id,
    state: "running",
    isFollowed: false,
    selection: { kind: "ids", ids: [] },
    options: { asStored: false, perSecond, steps: [1, 10, 100], stopShare: 0.1 },
    reason: "verify found them missing",
    by,
    byId: "causeway",
    createdAt: now,
    endedAt: null,
    total: items.length,
    planCursor: null,
    position: 0,
    ended: noCounts,
    steps: [],
    note: "",
    perSecondNow: perSecond,
  };
  // Items first: a job must never run without them.
  await on.replays.addItems(id, items);
  await on.replays.create(job);
  return id;
}
