import type { Budget } from "../../delivery/budgets.ts";
import { readHourlyPlaces, shareOf } from "../../delivery/budgets.ts";
import type { QuotaView } from "./answers.ts";
import type { ReadDependencies } from "./read-dependencies.ts";
import { callsOfLastMinute, lastToldByDataverse } from "./seen-limits.ts";
import type { SeenLimits } from "./seen-limits.ts";

const hourMs = 3_600_000;

/** Every limit that holds for a target, with what is left of it where that is known. */
export async function readQuota(
  on: ReadDependencies,
  target: { readonly name: string; readonly kind: string },
  seen: readonly SeenLimits[],
): Promise<readonly QuotaView[]> {
  const budget = on.budgets.get(target.name);
  if (budget === undefined) return [];
  return [
    ...(target.kind === "dataverse" ? ofDataverse(seen) : []),
    ...atOnce(on, budget),
    ...aMinute(on, target.name, budget, seen),
    ...(await anHour(on, target.name, budget)),
  ];
}

/** It tells what is left and not of how much; it counts over five minutes, by user and by web server. */
function ofDataverse(seen: readonly SeenLimits[]): readonly QuotaView[] {
  const told = lastToldByDataverse(seen);
  const at = told === undefined ? null : toIso(told.at);
  const line = (what: string, left: number | undefined): QuotaView => ({
    what,
    ...unknown,
    left: left === undefined ? null : Math.floor(left),
    at,
  });
  return [
    line("requests in 5 minutes, told by Dataverse", told?.left.requests),
    line("seconds of execution in 5 minutes, told by Dataverse", told?.left.seconds),
  ];
}

function atOnce(on: ReadDependencies, { concurrency }: Budget): readonly QuotaView[] {
  if (concurrency === undefined) return [];
  const share = shareText(on, concurrency);
  return [{ what: `calls at once${share}`, ...unknown, limit: concurrency }];
}

function aMinute(
  on: ReadDependencies,
  target: string,
  { perMinute }: Budget,
  seen: readonly SeenLimits[],
): readonly QuotaView[] {
  if (perMinute === undefined) return [];
  const now = on.clock.now();
  const what = `calls a minute${shareText(on, perMinute)}`;
  return [{ what, ...unknown, ...taken(perMinute, callsOfLastMinute(seen, target, now), now) }];
}

async function anHour(
  on: ReadDependencies,
  target: string,
  { perHour }: Budget,
): Promise<readonly QuotaView[]> {
  if (perHour === undefined) return [];
  const now = on.clock.now();
  const places = await readHourlyPlaces(on.store, target);
  // Places are kept to the second after: what was taken just now is not for later.
  const soon = now + 1_000;
  const used = places.filter((time) => time > now - hourMs && time <= soon).length;
  const ahead = places.filter((time) => time > soon).length;
  return [{ what: "calls an hour", ...taken(perHour, used, now), ahead }];
}

const unknown = { limit: null, used: null, left: null, ahead: null, at: null } as const;

function taken(
  limit: number,
  used: number,
  now: number,
): Pick<QuotaView, "limit" | "used" | "left" | "at"> {
  return { limit, used, left: Math.max(0, limit - used), at: toIso(now) };
}

/** An instance keeps to its share: "288 left" is of no use to the one whose 30 are used up. */
function shareText({ config }: ReadDependencies, limit: number): string {
  const { maximumInstanceCount: instances } = config;
  return instances === 1 ? "" : ` (${shareOf(limit, instances)} by each of ${instances} instances)`;
}

function toIso(at: number): string {
  return new Date(at).toISOString();
}
