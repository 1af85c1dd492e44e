import type { Outcome } from "../targets/target.ts";
import { askTarget } from "./ask-target.ts";
import { claimItems, settleClaims } from "./claim-items.ts";
import type { HeldClaim } from "./claims.ts";
import type { EngineDependencies } from "./engine.ts";
import type { Item, Lane } from "./lane.ts";
import { wasAsked } from "./on-outcome.ts";
import { reachableNow } from "./ledger-rows.ts";
import type { PolicySettings } from "./policy.ts";
import { unusedPlaces } from "./unused-places.ts";

/** An item that is to be called now. */
export interface Ready<Body> extends Item<Body> {
  readonly how: "deliver" | "confirm";
  readonly settings: PolicySettings;
}

/** With a place in the budget. */
export interface Placed<Body> extends Ready<Body> {
  /** Null: nothing was reserved (a question, or no budget). */
  readonly placeAt: number | null;
  /** A place of its own that it came too late for. */
  readonly missedPlaceAt: number | null;
}

/** With the claim on its document, where this lane has claims. */
export interface Claimed<Body> extends Placed<Body> {
  readonly held: HeldClaim | null;
}

export type CallResult =
  | {
      readonly kind: "answered";
      readonly outcome: Outcome;
      readonly how: "deliver" | "confirm";
      readonly calls: number;
      /** The event whose call it was, when a claim tells of another one. */
      readonly madeFor: string | null;
    }
  /** Time ran out before its turn. */
  | { readonly kind: "notReached" }
  /** The document's effect exists: made for this event or for another one. */
  | { readonly kind: "duplicate"; readonly of: string; readonly reference: string }
  | { readonly kind: "superseded"; readonly reference: string }
  /** No place in the budget, or somebody else is at it. */
  | { readonly kind: "later"; readonly dueAt: number; readonly slotAt: number | null };

export interface Called<Body> {
  readonly item: Ready<Body>;
  readonly result: CallResult;
  /** Places in the budget that nothing was called for. */
  readonly unusedPlaces: readonly number[];
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** One call and no quick repeats: the target is probably away. */
  readonly asProbe: boolean;
}

/** A place this near is worth holding the message for. */
const placeToleranceMs = 250;
const askAgainSpreadMs = 3_600_000;
/**
 * A place is for its time. After an hour without the app all places of that hour would be used at once, and
 * together with those of the next more calls would be made than the budget has.
 */
const placeHoldsMs = 60_000;
/** No budget's window is longer: what is older is counted no more. */
const longestWindowMs = 3_600_000;

/** Calls the target for what budgets and claims allow; a result for every item. */
export async function callItems<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  ready: readonly Ready<Body>[],
  options: CallOptions,
): Promise<readonly Called<Body>[]> {
  const results: Called<Body>[] = [];
  const placed = await reservePlaces(on, lane, ready, results);
  const claimed = await claimItems(on, lane, placed, results);
  const answers = await askTarget(on, lane, claimed, options);
  await settleClaims(on, lane, answers);
  for (const { item, result } of answers) {
    results.push({ item, result, unusedPlaces: unusedPlaces(item, wasSpared(item, result)) });
  }
  return results;
}

/** Those whose turn it is; the others get their time. Questions (`confirm`) use up no budget. */
async function reservePlaces<Body>(
  on: EngineDependencies,
  lane: Lane<Body>,
  ready: readonly Ready<Body>[],
  results: Called<Body>[],
): Promise<readonly Placed<Body>[]> {
  const now = on.clock.now();
  const items = ready.map((item) => withoutMissedPlace(item, now));
  const needing = items.filter((item) => item.how === "deliver" && item.row.slotAt === null);
  const places =
    needing.length === 0
      ? []
      : await on.budgets.reserve(lane.target.name, lane.budget, needing.length);
  // Reserving may have taken its time.
  const soon = on.clock.now() + placeToleranceMs;
  const placeOf = new Map(needing.map((item, index) => [item, places[index]]));
  return items.flatMap((item): readonly Placed<Body>[] => {
    const place = placeOf.get(item);
    if (place === undefined) return [{ ...item, placeAt: item.row.slotAt }];
    const { at, isReserved } = place;
    if (isReserved && at <= soon) return [{ ...item, placeAt: at }];
    // Without a reservation all get the same time; they must not all ask again at it.
    const dueAt = isReserved ? at : at + on.random() * askAgainSpreadMs;
    const result = { kind: "later", dueAt, slotAt: isReserved ? at : null } as const;
    results.push({ item, result, unusedPlaces: unusedPlaces({ ...item, placeAt: null }, true) });
    return [];
  });
}

type Unplaced<Body> = Ready<Body> & Pick<Placed<Body>, "missedPlaceAt">;

/** The stretch in which it waited for its place ends here, and another one may begin. */
function withoutMissedPlace<Body>(item: Ready<Body>, now: number): Unplaced<Body> {
  const { slotAt } = item.row;
  if (slotAt === null || now - slotAt <= placeHoldsMs || item.how === "confirm") {
    return { ...item, missedPlaceAt: null };
  }
  const awayMs = now - reachableNow(item.row, now);
  const awaySince = item.row.awaySince === null ? null : now;
  const row = { ...item.row, slotAt: null, awayMs, awaySince };
  return { ...item, row, missedPlaceAt: now - slotAt < longestWindowMs ? slotAt : null };
}

/** Surely nothing reached what the budget protects, and the row does not keep the place. */
function wasSpared(item: Item<unknown>, result: CallResult): boolean {
  if (result.kind !== "answered") return item.row.slotAt === null;
  const { outcome, how } = result;
  if (how === "confirm") return false;
  if (outcome.kind === "retry" && outcome.unreachable === true) return true;
  return outcome.kind !== "unsure" && !wasAsked(outcome);
}
