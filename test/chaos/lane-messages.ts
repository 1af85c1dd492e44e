import type { PlannedRound } from "./plan-rounds.ts";
import type { LaneOptions, LaneResult } from "./run-rounds.ts";

/** To a lane: how it is, then a round for each time that it asks for one; none is the end of them. */
export type ToLane =
  | { readonly kind: "start"; readonly options: LaneOptions }
  | { readonly kind: "round"; readonly round: PlannedRound | undefined };

export type FromLane =
  | { readonly kind: "next" }
  | { readonly kind: "result"; readonly result: LaneResult }
  | { readonly kind: "failed"; readonly message: string };
