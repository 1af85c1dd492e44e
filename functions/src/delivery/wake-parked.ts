/*
 * The end of a person's pause: whoever was put off gets a new wake-up (hop + 1) within a minute instead
 * of at the far end of the pause's spread. What is not reached before the deadline comes by its own
 * wake-up, at most half an hour later.
 */
import { asError } from "../platform/causeway-error.ts";
import { TableError } from "../platform/table-store.ts";
import type { StoredRow } from "../platform/table-store.ts";
import { commit } from "./commit.ts";
import type { Decided } from "./commit.ts";
import type { Lane } from "./lane.ts";
import { openPartitions, openTable } from "./ledger-keys.ts";
import type { DeliveryRow } from "./ledger-rows.ts";
import { defaultSettings, onResume } from "./policy.ts";
import { toOpenId } from "./sweep.ts";
import type { SweepDependencies } from "./sweep.ts";

export interface Woken {
  readonly woken: number;
  /** False: the deadline came first. */
  readonly isComplete: boolean;
}

const pageSize = 200;

/** `deadline`: epoch ms after which no further page is begun. */
export async function wakeParked<Body>(
  on: Omit<SweepDependencies, "oldestActive">,
  lane: Lane<Body>,
  deadline: number,
): Promise<Woken> {
  let woken = 0;
  let continuation: string | undefined;
  do {
    if (on.clock.now() >= deadline) return { woken, isComplete: false };
    const page = await on.ledger.store.query(openTable, {
      partitionKey: openPartitions(lane.target.name, on.clock.now()),
      limit: pageSize,
      ...(continuation === undefined ? {} : { continuation }),
    });
    woken += await wakePage(on, lane, page.rows);
    continuation = page.continuation;
  } while (continuation !== undefined);
  return { woken, isComplete: true };
}

/** Undefined for one that is gone: its own wake-up tells of it, and the others are not kept waiting. */
async function loadBody<Body>(
  on: Pick<SweepDependencies, "telemetry">,
  lane: Lane<Body>,
  row: DeliveryRow,
): Promise<{ readonly value: Body } | undefined> {
  try {
    return { value: await lane.loadBody(row) };
  } catch (error) {
    if (error instanceof TableError) throw error;
    on.telemetry.error(asError(error), { name: "wake", target: lane.target.name });
    return undefined;
  }
}

async function wakePage<Body>(
  on: Omit<SweepDependencies, "oldestActive">,
  lane: Lane<Body>,
  rows: readonly StoredRow[],
): Promise<number> {
  const ids = rows.map((row) => toOpenId(lane, row));
  const versions = await on.ledger.load(ids, { fresh: true });
  const decided: Decided<Body>[] = [];
  for (const version of versions) {
    if (version === undefined) continue;
    const moment = { now: on.clock.now(), random: on.random(), settings: defaultSettings };
    const decision = onResume(version.row, moment);
    if (decision === null) continue;
    const body = await loadBody(on, lane, version.row);
    if (body === undefined) continue;
    decided.push({ item: { ...version, hop: version.row.hop, body: body.value }, decision });
  }
  await commit(on, lane, decided);
  return decided.length;
}
