import type { Clock } from "../platform/clock.ts";
import type { Sender } from "../platform/messages.ts";
import { deadLettersEntity } from "./wake-up-messages.ts";
import type { Ledger, Versioned } from "./ledger.ts";
import { askedFor, hasStory, isMade, isTerminal, withStep } from "./ledger-rows.ts";
import type { DeliveryRow } from "./ledger-rows.ts";
import type { Item, Lane } from "./lane.ts";
import type { Decision } from "./policy.ts";

export interface Decided<Body> {
  readonly item: Item<Body>;
  readonly decision: Decision;
}

/** What has to be sent for a row that is written, by this run or an earlier one. */
export interface Owed<Body> {
  readonly body: Body;
  readonly row: DeliveryRow;
  readonly what: "wakeUp" | "failure";
}

/**
 * Writes decisions in the order that makes every crash harmless (design 7): ledger rows first; then the
 * messages they promise; then the `open` rows of what is settled. A message is only completed after
 * this returns, so whatever was missed is done again from the ledger row.
 */
export async function commit<Body>(
  dependencies: { readonly ledger: Ledger; readonly sender: Sender; readonly clock: Clock },
  lane: Lane<Body>,
  decided: readonly Decided<Body>[],
  alsoOwed: readonly Owed<Body>[] = [],
): Promise<readonly DeliveryRow[]> {
  const { ledger, sender, clock } = dependencies;
  await ledger.addOpen(decided.filter(isFirstPutOff).map(({ decision }) => decision.row));
  const written = await saveAll(
    ledger,
    decided.map((each) => toTold(each, clock.now())),
  );
  const owed = [...alsoOwed, ...written.flatMap(({ item, row }) => toOwed(item, row))];
  // A delivered row has nothing to send; removing its open row first keeps design's order of success.
  await ledger.removeOpen(toClose(written, false));
  await send(sender, lane, owed);
  await ledger.removeOpen([
    ...toClose(written, true),
    ...alsoOwed.filter(({ what }) => what === "failure").map(({ row }) => row),
  ]);
  return written.map(({ row }) => row);
}

function toTold<Body>({ item, decision }: Decided<Body>, now: number): Decided<Body> {
  const row = withStep(decision.row, item.row.hop, now, decision.askFor);
  return { item, decision: { ...decision, row } };
}

interface Written<Body> {
  readonly item: Item<Body>;
  /** The row as it is now in the ledger. */
  readonly row: DeliveryRow;
}

async function saveAll<Body>(
  ledger: Ledger,
  decided: readonly Decided<Body>[],
): Promise<readonly Written<Body>[]> {
  const saved = await ledger.save(
    decided.map(({ item, decision }) => ({ row: decision.row, etag: item.etag })),
  );
  const written: Written<Body>[] = [];
  for (const [index, each] of decided.entries()) {
    const row = saved[index]?.row ?? (await resolveConflict(ledger, each));
    written.push({ item: each.item, row });
  }
  return written;
}

const conflictTries = 8;

/**
 * Somebody else changed the row while we were calling. What they settled stays settled, unless it is a failure
 * and we made the effect; an effect that we made is written on top of what they left open; anything else of
 * ours is dropped in favour of the wake-up that their version promises.
 */
async function resolveConflict<Body>(
  ledger: Ledger,
  { item, decision }: Decided<Body>,
): Promise<DeliveryRow> {
  for (let attempt = 0; attempt < conflictTries; attempt += 1) {
    const [current] = await ledger.load([item.row], { fresh: true });
    if (current === undefined) {
      const [inserted] = await ledger.insert([{ row: decision.row }]);
      if (inserted?.row === decision.row) return decision.row;
      continue;
    }
    if (wasGivenUp(current.row, decision.row)) {
      const made = await overtake(ledger, current, decision.row);
      if (made !== undefined) return made;
      continue;
    }
    if (isTerminal(current.row)) return current.row;
    const ours = decision.then === "settle" || current.row.hop === item.row.hop;
    if (!ours) return current.row;
    const row = { ...decision.row, hop: Math.max(decision.row.hop, current.row.hop) };
    const state = row.state === "received" ? current.row.state : row.state;
    const [again] = await ledger.save([{ row: { ...row, state }, etag: current.etag }]);
    if (again !== undefined) return again.row;
  }
  // Nobody changes one delivery that often; the message comes back and finds the ledger calmer.
  throw new Error("a ledger row changed under every attempt to write it");
}

/** It was called failed (a dead letter, the sweep) while the call that made its effect was under way. */
function wasGivenUp(current: DeliveryRow, ours: DeliveryRow): boolean {
  return current.state === "failed" && isMade(ours) && current.generation === ours.generation;
}

/** The failure's id stays in the row: whoever keeps failures is to close that one. */
async function overtake(
  ledger: Ledger,
  { row, etag }: Versioned,
  ours: DeliveryRow,
): Promise<DeliveryRow | undefined> {
  const { failureId, code, reason } = row;
  const made = { ...ours, hop: Math.max(ours.hop, row.hop), failureId, code, reason };
  await ledger.addOpen([made]);
  const [saved] = await ledger.save([{ row: made, etag }]);
  return saved?.row;
}

function toOwed<Body>(item: Item<Body>, row: DeliveryRow): readonly Owed<Body>[] {
  if (hasStory(row)) return [{ body: item.body, row, what: "failure" }];
  return isTerminal(row) ? [] : [{ body: item.body, row, what: "wakeUp" }];
}

/** Event rows get an `open` row only when they are put off: until then their message cannot be lost. */
function isFirstPutOff<Body>({ item, decision }: Decided<Body>): boolean {
  return decision.then === "later" && item.row.hop === 1 && isEventRow(item.row);
}

function isEventRow(row: DeliveryRow): boolean {
  return row.state === "received" || row.state === "accepted" || row.state === "published";
}

function toClose<Body>(written: readonly Written<Body>[], isTold: boolean): readonly DeliveryRow[] {
  return written
    .filter(({ row }) => isTerminal(row) && hasStory(row) === isTold)
    .filter(({ item }) => !(isEventRow(item.row) && item.row.hop === 1))
    .map(({ row }) => row);
}

async function send<Body>(
  sender: Sender,
  lane: Lane<Body>,
  owed: readonly Owed<Body>[],
): Promise<void> {
  const wakeUps = owed.filter(({ what }) => what === "wakeUp");
  const failures = owed.filter(({ what }) => what === "failure");
  if (wakeUps.length > 0) {
    await sender.send(
      lane.entity,
      wakeUps.map(({ body, row }) => ({
        ...lane.toWakeUpMessage(body, row),
        enqueueAt: askedFor(row),
      })),
    );
  }
  if (failures.length > 0) {
    await sender.send(
      deadLettersEntity,
      failures.map(({ body, row }) => lane.toFailureMessage(body, row)),
    );
  }
}
