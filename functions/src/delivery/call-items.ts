import type { Outcome } from "../targets/target.ts";
import { askTarget } from "./ask-target.ts";
import { claimItems, settleClaims } from "./claim-items.ts";
import type { HeldClaim } from "./claims.ts";
import type { EngineDependencies } from "./engine.ts";
import type { Item, Lane } from "./lane.ts";
import { wasAsked } from "./on-outcome.ts";
import type { PolicySettings } from "./policy.ts";

/** An item that is to be called now. */
export interface Ready<Body> extends Item<Body> {
  readonly how: "deliver" | "confirm";
  readonly settings: PolicySettings;
}

/** With a place in the budget. */
export interface Placed<Body> extends Ready<Body> {
  /** Null: nothing was reserved (a question, or no budget). */
  readonly placeAt: number | null;
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
  /** A place in the budget that nothing was called for. */
  readonly unusedPlaceAt: number | null;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  /** One call and no quick repeats: the target is probably away. */
  readonly asProbe: boolean;
}

/** A place this near is worth holding the message for. */
const placeToleranceMs = 250;
const askAgainSpreadMs = 3_600_000;

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
    const unusedPlaceAt = wasSpared(item, result) ? item.placeAt : null;
    results.push({ item, result, unusedPlaceAt });
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
  const needing = ready.filter((item) => item.how === "deliver" && item.row.slotAt === null);
  const places =
    needing.length === 0
      ? []
      : await on.budgets.reserve(lane.target.name, lane.budget, needing.length);
  const soon = on.clock.now() + placeToleranceMs;
  const placeOf = new Map(needing.map((item, index) => [item, places[index]]));
  return ready.flatMap((item): readonly Placed<Body>[] => {
    const place = placeOf.get(item);
    if (place === undefined) return [{ ...item, placeAt: item.row.slotAt }];
    const { at, isReserved } = place;
    if (isReserved && at <= soon) return [{ ...item, placeAt: at }];
    // Without a reservation all get the same time; they must not all ask again at it.
    const dueAt = isReserved ? at : at + on.random() * askAgainSpreadMs;
    const result = { kind: "later", dueAt, slotAt: isReserved ? at : null } as const;
    results.push({ item, result, unusedPlaceAt: null });
    return [];
  });
}

/** Surely nothing reached what the budget protects, and the row does not keep the place. */
function wasSpared(item: Item<unknown>, result: CallResult): boolean {
  if (result.kind !== "answered") return item.row.slotAt === null;
  const { outcome, how } = result;
  if (how === "confirm") return false;
  if (outcome.kind === "retry" && outcome.unreachable === true) return true;
  return outcome.kind !== "unsure" && !wasAsked(outcome);
}
