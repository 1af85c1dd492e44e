/*
 * Rounds of the probe that people began, in table `probes<yyyymm>`:
 *
 *   <round>/round                       who began it, when, until when answers count, and of which places
 *   <round>/answer|<flow>|<target>      what one place answered
 *   current/round                       the last round that was begun; written on its version only, so that
 *                                       of two who begin at once one is refused
 *
 * none ──begin──► waiting ──every place has answered, its time is up, or it could not be sent──► over; the
 * next one may begin.
 * A round that is begun in the first moments of a month may run beside one of the old month: no harm.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { isConflict } from "../platform/table-store.ts";
import type { RowKeys, StoredRow, TableStore } from "../platform/table-store.ts";

export interface ProbePlace {
  readonly flow: string;
  readonly target: string;
}

/** `late`: it came through and took more than five minutes. `notCalled`: the target is paused or in an outage. */
export type ProbeResult = "ok" | "failed" | "late" | "notCalled";

export interface ProbeFinding {
  readonly result: ProbeResult;
  /** Of what failed; empty for what did not. */
  readonly code: string;
}

export interface ProbeAnswer extends ProbePlace, ProbeFinding {
  /** From sending to the answer. */
  readonly ms: number;
}

export interface ProbeRound {
  readonly id: string;
  /** Epoch ms. */
  readonly at: number;
  /** Epoch ms; what has not answered by then does not. */
  readonly until: number;
  readonly by: string;
  readonly places: readonly ProbePlace[];
  readonly answers: readonly ProbeAnswer[];
}

export interface ProbeRounds {
  /** Undefined: another round is under way. */
  begin(by: string, places: readonly ProbePlace[]): Promise<ProbeRound | undefined>;
  /** Nobody is waited for: its messages did not go out. */
  end(round: ProbeRound): Promise<void>;
  answer(id: string, answer: ProbeAnswer): Promise<void>;
  get(id: string): Promise<ProbeRound | undefined>;
}

/** A function that starts cold and a workflow that answers just in time (100 s) fit in. */
const roundMs = 180_000;
const current: RowKeys = { partitionKey: "current", rowKey: "round" };
const idShape = /^(\d{6})\d{8}-[0-9a-f]{6}$/;

export function createProbeRounds(store: TableStore, clock: Clock): ProbeRounds {
  const get = async (id: string): Promise<ProbeRound | undefined> => {
    const table = tableOf(id);
    if (table === undefined) return undefined;
    const { rows } = await store.query(table, { partitionKey: id });
    return toRound(id, rows);
  };
  const isUnderWay = async (id: string): Promise<boolean> => {
    const round = await get(id);
    return round !== undefined && !isOver(round, clock.now());
  };
  return {
    begin: async (by, places) => {
      const now = clock.now();
      const id = toRoundId(now);
      const table = `probes${id.slice(0, 6)}`;
      const last = await store.get(table, current);
      if (last !== undefined && (await isUnderWay(String(last.columns["id"])))) return undefined;
      const row = { ...current, columns: { id } };
      const round = { id, at: now, until: now + roundMs, by, places, answers: [] };
      // Before it is the current one: a round that is not there would be over.
      await store.write(table, { kind: "insert", row: toRow(round) });
      try {
        await store.write(
          table,
          last === undefined ? { kind: "insert", row } : { kind: "replace", row, etag: last.etag },
        );
      } catch (error) {
        if (isConflict(error)) return undefined;
        throw error;
      }
      return round;
    },
    end: async (round) => {
      const row = toRow({ ...round, until: clock.now() });
      await store.write(`probes${round.id.slice(0, 6)}`, { kind: "upsert", row });
    },
    answer: async (id, { flow, target, ...answer }) => {
      const table = tableOf(id);
      if (table === undefined) return;
      const rowKey = `answer|${flow}|${target}`;
      const columns = { answer: JSON.stringify({ flow, target, ...answer }) };
      await store.write(table, { kind: "upsert", row: { partitionKey: id, rowKey, columns } });
    },
    get,
  };
}

/** Nobody is waited for any more. */
export function isOver({ answers, places, until }: ProbeRound, now: number): boolean {
  return answers.length >= places.length || now >= until;
}

function toRoundId(now: number): string {
  const digits = new Date(now).toISOString().replace(/\D/g, "").slice(0, 14);
  return `${digits}-${randomBytes(3).toString("hex")}`;
}

/** Undefined for what is no round's id. */
function tableOf(id: string): string | undefined {
  const month = idShape.exec(id)?.[1];
  return month === undefined ? undefined : `probes${month}`;
}

function toRow({ at, by, id, places, until }: ProbeRound): RowKeys & {
  readonly columns: Readonly<Record<string, string>>;
} {
  const round = JSON.stringify({ at, until, by, places });
  return { partitionKey: id, rowKey: "round", columns: { round } };
}

function toRound(id: string, rows: readonly StoredRow[]): ProbeRound | undefined {
  const head = rows.find(({ rowKey }) => rowKey === "round");
  if (head === undefined) return undefined;
  const round = JSON.parse(String(head.columns["round"])) as Omit<ProbeRound, "answers" | "id">;
  const answers = rows
    .filter(({ rowKey }) => rowKey.startsWith("answer|"))
    .map(({ columns }) => JSON.parse(String(columns["answer"])) as ProbeAnswer);
  return { id, ...round, answers };
}
