import type { Outcome } from "../targets/target.ts";
import { inParallel } from "./batch-writes.ts";
import { unusedPlaces } from "./unused-places.ts";
import type { Called, CallResult, Claimed, Placed } from "./call-items.ts";
import type { ClaimEnd, ClaimId, Claims } from "./claims.ts";
import type { EngineDependencies } from "./engine.ts";
import type { Item, Lane } from "./lane.ts";
import { toPatienceMs } from "./on-outcome.ts";

/** Between two looks at a document that another call is writing; such a call ends within minutes. */
const versionedPauseMs = 15_000;

export interface Answered<Body> {
  readonly item: Claimed<Body>;
  readonly result: Extract<CallResult, { kind: "answered" | "notReached" }>;
}

/** Those whose document is theirs to write now, or to ask about; the others get their result. */
export async function claimItems<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  placed: readonly Placed<Body>[],
  results: Called<Body>[],
): Promise<readonly Claimed<Body>[]> {
  const claimed: Claimed<Body>[] = [];
  // The newest version of a document first: the others of the batch then need no call.
  await inParallel(newestFirst(lane, placed), 8, async (item) => {
    const id = toClaimId(lane, item);
    if (id === null) claimed.push({ ...item, held: null });
    else await claimItem(on, id, item, claimed, results);
  });
  return claimed;
}

async function claimItem<Body>(
  on: EngineDependencies,
  id: ClaimId,
  item: Placed<Body>,
  claimed: Claimed<Body>[],
  results: Called<Body>[],
): Promise<void> {
  const now = on.clock.now();
  const settle = (result: CallResult): void => {
    results.push({ item, result, unusedPlaces: unusedPlaces(item, true) });
  };
  const isQuestion = item.how === "confirm" && id.version === null;
  const claim = await (isQuestion ? on.claims.inspect(id, now) : takeClaim(on, id, item));
  switch (claim.kind) {
    case "taken":
      claimed.push({ ...item, held: claim.held });
      break;
    case "free":
      claimed.push({ ...item, held: null });
      break;
    case "outdated":
      settle({ kind: "notReached" });
      break;
    case "ask":
      claimed.push({ ...item, how: "confirm", held: claim.held });
      break;
    case "done":
      settle({ kind: "duplicate", of: claim.eventId, reference: claim.reference });
      break;
    case "superseded":
      settle(claim);
      break;
    case "busy": {
      const pauseMs = id.version === null ? Infinity : versionedPauseMs;
      const dueAt = Math.min(claim.until + 1_000, now + pauseMs);
      settle({ kind: "later", dueAt, slotAt: null });
    }
  }
}

/**
 * A document that nobody has claimed yet is proof that nobody has called for it, whatever the row was when
 * it was remembered. Where there is a claim, the row's own story counts: `outdated` when it has gone on.
 */
async function takeClaim(
  on: EngineDependencies,
  id: ClaimId,
  item: Item<unknown>,
): Promise<Awaited<ReturnType<Claims["take"]>> | { readonly kind: "outdated" }> {
  const now = on.clock.now();
  if (item.isRemembered !== true || id.version !== null) return on.claims.take(id, now);
  const held = await on.claims.takeNew(id, now);
  if (held !== undefined) return { kind: "taken", held };
  const [current] = await on.ledger.load([item.row], { fresh: true });
  return current?.etag === item.etag ? on.claims.take(id, now) : { kind: "outdated" };
}

/** Says of every claim how it ended. One that nothing is known of is left to lapse. */
export async function settleClaims<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  answers: readonly Answered<Body>[],
): Promise<void> {
  await inParallel(answers, 8, async ({ item, result }) => {
    const id = toClaimId(lane, item);
    const now = on.clock.now();
    const end = id === null ? undefined : toEnd(item, result, id, now);
    if (id !== null && end !== undefined) await on.claims.settle(id, item.held, end, now);
  });
}

function toEnd<Body>(
  item: Claimed<Body>,
  result: Answered<Body>["result"],
  id: ClaimId,
  now: number,
): ClaimEnd | undefined {
  if (result.kind === "notReached") {
    return item.how === "deliver" ? { state: "free", hasFailed: false } : undefined;
  }
  const { outcome, how } = result;
  switch (outcome.kind) {
    case "delivered":
    case "superseded":
      return { state: "done", reference: outcome.reference };
    case "unsure":
      // What may be repeated is simply written again, by whoever comes first.
      return id.version === null ? toUnsure(outcome, now) : { state: "free", hasFailed: false };
    case "reject":
      return { state: "free", hasFailed: outcome.asked !== false };
    default:
      return isUnanswered(outcome, how) ? undefined : { state: "free", hasFailed: false };
  }
}

/** As long as this delivery is told to wait with its question, so are all others of the document. */
function toUnsure(outcome: Extract<Outcome, { kind: "unsure" }>, now: number): ClaimEnd {
  const { memo = null, checkAfterMs = 0 } = outcome;
  return { state: "unsure", memo, askFrom: now + toPatienceMs(checkAfterMs) };
}

/** A question that got no answer says nothing about the effect. */
function isUnanswered(outcome: Outcome, how: "deliver" | "confirm"): boolean {
  if (outcome.kind !== "retry" || how === "deliver") return false;
  return outcome.unreachable === true || outcome.silent === true || outcome.afterMs !== undefined;
}

/** Null: whatever is delivered may be delivered again, in any order. */
function toClaimId<Body>(lane: Lane<Body>, item: Item<Body>): ClaimId | null {
  const version = lane.repeatable ? lane.versionOf(item.body) : null;
  if (lane.repeatable && version === null) return null;
  const { eventId } = item.row;
  return { target: lane.target.name, effectKey: lane.effectKeyOf(item.body), eventId, version };
}

function newestFirst<Body>(
  lane: Lane<Body>,
  placed: readonly Placed<Body>[],
): readonly Placed<Body>[] {
  if (!lane.repeatable) return placed;
  const versions = new Map(placed.map((item) => [item, lane.versionOf(item.body) ?? 0n]));
  const versionOf = (item: Placed<Body>): bigint => versions.get(item) ?? 0n;
  return [...placed].sort((a, b) => {
    const [left, right] = [versionOf(a), versionOf(b)];
    return left === right ? 0 : left > right ? -1 : 1;
  });
}
