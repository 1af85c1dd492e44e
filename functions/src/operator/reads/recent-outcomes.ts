/*
 * What happened lately, for people who watch: counts per minute (`rates<yyyymm>`) and the last outcomes
 * one by one (`activity<yyyymm>`). Both are kept in memory and written every two seconds while something
 * happens, so that watching costs a busy instance one request a second and not one per delivery. An
 * instance that dies takes its last two seconds along: the ledger is the truth, this is a window on it.
 *
 *   idle ──note──► pending ──2 s──► writing ──► idle, or pending when something came meanwhile
 */
import { randomUUID } from "node:crypto";
import { writeAll } from "../../delivery/batch-writes.ts";
import type { TableWrite } from "../../delivery/batch-writes.ts";
import type { Engine } from "../../delivery/engine.ts";
import { packBody } from "../../delivery/ledger-columns.ts";
import { isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryRow } from "../../delivery/ledger-rows.ts";
import { asError } from "../../platform/causeway-error.ts";
import type { Clock } from "../../platform/clock.ts";
import type { TableStore } from "../../platform/table-store.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import type { ActivityItem } from "./answers.ts";
import type { SeenLimits } from "./seen-limits.ts";
import { addTo, createStepCounts } from "./step-counts.ts";
import type { StepCounts } from "./step-counts.ts";

export interface RecentOutcomesOptions {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** What this instance knows of limits; written along. */
  readonly limits: () => Omit<SeenLimits, "at">;
}

/** Beside `steps` in a row of counts. */
export const limitsColumn = "limits";
const flushEveryMs = 2_000;
/** Of one flush; the rest is only counted. */
const keptItems = 200;

export class RecentOutcomes {
  readonly #on: RecentOutcomesOptions;
  /** Rows of different instances, and of one that was started again, must not overwrite each other. */
  readonly #instance = randomUUID().slice(0, 8);
  readonly #minutes = new Map<string, Map<string, StepCounts>>();
  #items: ActivityItem[] = [];
  #omitted = 0;
  #isScheduled = false;

  constructor(options: RecentOutcomesOptions) {
    this.#on = options;
  }

  note(rows: readonly DeliveryRow[], subjects: ReadonlyMap<string, string> = new Map()): void {
    if (rows.length === 0) return;
    const now = this.#on.clock.now();
    const minute = toMinute(now);
    const counts = this.#minutes.get(minute) ?? new Map<string, StepCounts>();
    this.#minutes.set(minute, counts);
    for (const row of rows) {
      const step = counts.get(row.target) ?? createStepCounts();
      counts.set(row.target, addTo(step, row, now));
      if (this.#items.length < keptItems) this.#items.push(toItem(row, now, subjects));
      else this.#omitted += 1;
    }
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void this.#flushLater();
  }

  async #flushLater(): Promise<void> {
    await this.#on.clock.sleep(flushEveryMs);
    await this.flush();
  }

  /** Never throws: people see a gap, deliveries go on. */
  async flush(): Promise<void> {
    this.#isScheduled = false;
    const writes = this.#takeWrites();
    try {
      await writeAll(this.#on.store, writes);
    } catch (error) {
      this.#on.telemetry.error(asError(error), { name: "recentOutcomes" });
    }
  }

  #takeWrites(): readonly TableWrite[] {
    const now = this.#on.clock.now();
    const writes: TableWrite[] = [];
    for (const [minute, steps] of this.#minutes) {
      const limits: SeenLimits = { at: now, ...this.#on.limits() };
      writes.push(toRateWrite(minute, this.#instance, { steps, limits }));
      // The running minute goes on counting; its row is written over.
      if (minute !== toMinute(now)) this.#minutes.delete(minute);
    }
    if (this.#items.length > 0) {
      writes.push(toActivityWrite(now, this.#instance, this.#items, this.#omitted));
    }
    this.#items = [];
    this.#omitted = 0;
    return writes;
  }
}

/** The engine, with everybody who watches told what came of each batch. */
export function watchEngine(engine: Engine, recent: RecentOutcomes): Engine {
  return {
    process: async (lane, wakeUps, signal) => {
      const rows = await engine.process(lane, wakeUps, signal);
      const subjects = wakeUps.map(({ eventId, body }) => [eventId, toSubject(body)] as const);
      recent.note(rows, new Map(subjects));
      return rows;
    },
  };
}

/** `20261127T1405`, UTC. */
export function toMinute(instant: number): string {
  const digits = new Date(instant).toISOString().replace(/\D/g, "");
  return `${digits.slice(0, 8)}T${digits.slice(8, 12)}`;
}

export function ratesTable(instant: number): string {
  return `rates${toMinute(instant).slice(0, 6)}`;
}

export function activityTable(instant: number): string {
  return `activity${toMinute(instant).slice(0, 6)}`;
}

function toRateWrite(
  minute: string,
  instance: string,
  { steps, limits }: { steps: ReadonlyMap<string, StepCounts>; limits: SeenLimits },
): TableWrite {
  const columns = {
    steps: JSON.stringify(Object.fromEntries(steps)),
    [limitsColumn]: JSON.stringify(limits),
  };
  const row = { partitionKey: minute.slice(0, 11), rowKey: `${minute}|${instance}`, columns };
  return { table: `rates${minute.slice(0, 6)}`, write: { kind: "upsert", row } };
}

function toActivityWrite(
  now: number,
  instance: string,
  items: readonly ActivityItem[],
  omitted: number,
): TableWrite {
  const columns = { omitted, ...packBody("items", JSON.stringify(items)) };
  const rowKey = `${new Date(now).toISOString()}|${instance}`;
  const row = { partitionKey: toMinute(now), rowKey, columns };
  return { table: activityTable(now), write: { kind: "upsert", row } };
}

function toItem(
  row: DeliveryRow,
  now: number,
  subjects: ReadonlyMap<string, string>,
): ActivityItem {
  const subject = subjects.get(row.eventId) ?? "";
  return {
    at: new Date(now).toISOString(),
    eventId: row.eventId,
    time: row.time,
    target: row.target,
    state: row.state,
    hop: isTerminal(row) ? row.hop : row.hop - 1,
    attempts: row.attempts,
    code: row.code ?? row.rule,
    subject: subject === "" ? null : subject,
  };
}

/** `<legalEntity>/<number>`: of a canonical event its subject, of a business event what it names. */
function toSubject(body: unknown): string {
  if (typeof body !== "object" || body === null) return "";
  const member = (name: string): string => {
    const value = (body as Readonly<Record<string, unknown>>)[name];
    return typeof value === "string" ? value : "";
  };
  if (member("subject") !== "") return member("subject");
  const company = member("BusinessEventLegalEntity");
  return company === "" ? "" : `${company.toLowerCase()}/${member("InvoiceId")}`;
}
