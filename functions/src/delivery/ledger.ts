/*
 * The ledger in Azure Tables (design 7). An event's row goes received → accepted → published; a
 * delivery's row goes pending → … → terminal. Every change names the version it was decided on (ETag);
 * who finds another version reads again and decides anew.
 *
 * Rows that this process wrote lately are remembered with their ETags, so that intake and the
 * deliveries that follow it do not read back what was just written. A remembered row may be behind what
 * another instance wrote: the conditional write finds that, and effects that must not be repeated read
 * afresh unless their claim proves that nobody has called yet. Rows that nobody has called for yet are
 * remembered for longer (first-versions.ts).
 */
import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { BodyStore } from "../platform/body-store.ts";
import type { Clock } from "../platform/clock.ts";
import { RecentMap } from "../platform/recent-map.ts";
import type { RowKeys, StoredRow, TableStore, Write } from "../platform/table-store.ts";
import { inParallel, writeAll } from "./batch-writes.ts";
import type { TableWrite } from "./batch-writes.ts";
import { FirstVersions } from "./first-versions.ts";
import { keepBody, readBody } from "./ledger-bodies.ts";
import type { BodyName } from "./ledger-bodies.ts";
import { fromColumns, toColumns, toMergeColumns } from "./ledger-columns.ts";
import {
  intakeTarget,
  openTable,
  toLedgerKey,
  toLedgerRowKey,
  toOpenKeys,
  toReplayBodyKey,
} from "./ledger-keys.ts";
import { isTerminal } from "./ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";
import { readDelivery, requireBody } from "./stored-delivery.ts";
import type { StoredDelivery } from "./stored-delivery.ts";

/** A row and the version that was read or written. */
export interface Versioned {
  readonly row: DeliveryRow;
  readonly etag: string;
  /** Not read for this: another process may have written since. */
  readonly isRemembered?: boolean;
}

export interface LedgerOptions {
  readonly store: TableStore;
  /** For what a row cannot hold. */
  readonly bodies: BodyStore;
  readonly clock: Clock;
  /** How long a row of our own writing is taken for current; 0 reads always. */
  readonly rememberMs?: number;
}

const defaultRememberMs = 60_000;
const rememberedRows = 20_000;
const parallelReads = 16;

export class Ledger {
  readonly store: TableStore;
  readonly #bodies: BodyStore;
  readonly #rememberMs: number;
  readonly #first: FirstVersions;
  readonly #remembered: RecentMap<Versioned>;

  constructor(options: LedgerOptions) {
    this.store = options.store;
    this.#bodies = options.bodies;
    this.#rememberMs = options.rememberMs ?? defaultRememberMs;
    this.#first = new FirstVersions(options.clock);
    this.#remembered = new RecentMap(options.clock, rememberedRows, this.#rememberMs);
  }

  /**
   * `minimumHop`: a remembered row below it is out of date. `fresh`: so is any. `isRedelivered`: so is one that is
   * remembered only because this process accepted it.
   */
  async load(
    ids: readonly (DeliveryId & {
      readonly minimumHop?: number;
      readonly fresh?: boolean;
      readonly isRedelivered?: boolean;
    })[],
    options: { readonly fresh?: boolean } = {},
  ): Promise<readonly (Versioned | undefined)[]> {
    const found = new Map<string, Versioned>();
    const missing: DeliveryId[] = [];
    for (const id of ids) {
      const mustRead = options.fresh === true || id.fresh === true;
      const known = mustRead ? undefined : (this.#recall(id) ?? this.#recallFirst(id));
      if (known !== undefined && known.row.hop >= (id.minimumHop ?? 0)) found.set(keyOf(id), known);
      else missing.push(id);
    }
    await inParallel(missing, parallelReads, async (id) => {
      const stored = await this.read(id);
      if (stored !== undefined) found.set(keyOf(id), toVersioned(stored));
    });
    return ids.map((id) => found.get(keyOf(id)));
  }

  /** The row as stored, with its bodies. */
  read(id: DeliveryId): Promise<StoredRow | undefined> {
    const key = toLedgerKey(id);
    return this.store.get(key.table, key);
  }

  /** Inserts rows that are new; gives what is there for those that are not. */
  async insert(
    entries: readonly { readonly row: DeliveryRow; readonly raw?: string }[],
  ): Promise<readonly Versioned[]> {
    const writes: TableWrite[] = [];
    for (const { row, raw } of entries) {
      const key = toLedgerKey(row);
      const body = raw === undefined ? {} : await this.keepBody(row, "raw", raw);
      const columns = { ...toColumns(row), ...body };
      writes.push({ table: key.table, write: { kind: "insert", row: { ...key, columns } } });
    }
    const results = await writeAll(this.store, writes);
    const versions: Versioned[] = [];
    for (const [index, entry] of entries.entries()) {
      const result = results[index];
      if (result?.kind === "written") {
        versions.push(this.remember({ row: entry.row, etag: result.etag }));
      } else {
        const stored = await this.read(entry.row);
        if (stored === undefined) throw new RangeError("a row is there and is not there");
        versions.push(toVersioned(stored));
      }
    }
    return versions;
  }

  /** Columns for an event's row; what they cannot hold is a blob by then. */
  keepBody(id: DeliveryId, name: BodyName, text: string): ReturnType<typeof keepBody> {
    return keepBody(this.#bodies, id, name, text);
  }

  /** Undefined for a row that is not the version any more. */
  async save(changes: readonly Versioned[]): Promise<readonly (Versioned | undefined)[]> {
    const based = changes.map((change) => this.#rebase(change));
    const writes = based.map(({ row, etag }) => ({
      table: toLedgerKey(row).table,
      write: toUpdate(row, etag),
    }));
    const results = await writeAll(this.store, writes).catch((error: unknown) => {
      // Nobody knows which of them were written.
      for (const { row } of based) this.forget(row);
      throw error;
    });
    return based.map(({ row }, index) => {
      const result = results[index];
      if (result?.kind === "written") return this.remember({ row, etag: result.etag });
      this.forget(row);
      return undefined;
    });
  }

  /**
   * Intake's own `accept` has moved the event's row on while the engine held the version before it:
   * that step, and no other, is taken over instead of read back.
   */
  #rebase(change: Versioned): Versioned {
    const known = change.row.target === intakeTarget ? this.#recall(change.row) : undefined;
    if (known?.row.state !== "accepted") return change;
    const row: DeliveryRow =
      change.row.state === "received" ? { ...change.row, state: "accepted" } : change.row;
    return { row, etag: known.etag };
  }

  /** Before anything that makes a delivery unsettled; an extra row is harmless, a missing one is not. */
  async addOpen(rows: readonly DeliveryRow[]): Promise<void> {
    await writeAll(
      this.store,
      rows.map((row) => {
        const key = toLedgerKey(row);
        const columns = {
          dueAt: new Date(row.dueAt).toISOString(),
          time: row.time,
          ledgerTable: key.table,
          ledgerPartition: key.partitionKey,
          ledgerRow: key.rowKey,
        };
        return {
          table: openTable,
          write: { kind: "upsert", row: { ...toOpenKeys(row), columns } },
        };
      }),
    );
  }

  /** After the row is terminal. */
  async removeOpen(rows: readonly DeliveryRow[]): Promise<void> {
    // A row that is gone already is as good as deleted: conflicts mean nothing here.
    await writeAll(
      this.store,
      rows.map((row) => ({
        table: openTable,
        write: { kind: "delete", keys: toOpenKeys(row) },
      })),
    );
  }

  /** An open row that stands for nothing. */
  async discardOpen(keys: RowKeys): Promise<void> {
    await writeAll(this.store, [{ table: openTable, write: { kind: "delete", keys } }]);
  }

  /** A delivery, its event and what it carries, by one request; `toVersioned` gives its row. */
  loadStored(id: DeliveryId): Promise<StoredDelivery> {
    return readDelivery(this.store, id);
  }

  /** The canonical event as it was accepted. Throws BODY_MISSING when the ledger does not have it. */
  async eventOf(
    { event }: Pick<StoredDelivery, "event">,
    eventId: string,
  ): Promise<CanonicalEvent> {
    return JSON.parse(await requireBody(this.#bodies, event, "body", eventId)) as CanonicalEvent;
  }

  /** What one delivery carries: the body that a replay gave it, else the event as it was accepted. */
  async carriedBy(stored: StoredDelivery, eventId: string): Promise<CanonicalEvent> {
    const { replayed } = stored;
    const body = replayed && (await readBody(this.#bodies, "body", replayed.columns));
    return body === undefined
      ? this.eventOf(stored, eventId)
      : (JSON.parse(body) as CanonicalEvent);
  }

  /** The business event as it came in, as JSON text; without what tells of persons once its retention is over. */
  rawOf({ event }: Pick<StoredDelivery, "event">, eventId: string): Promise<string> {
    return requireBody(this.#bodies, event, "raw", eventId);
  }

  async loadDeliveryBody(id: DeliveryId): Promise<CanonicalEvent> {
    return this.carriedBy(await this.loadStored(id), id.eventId);
  }

  /**
   * Keeps what a replay sends in place of the accepted event, before its wake-up is sent: whoever has to
   * send it again must send the same. The accepted event stays as it is.
   */
  async saveDeliveryBody(id: DeliveryId, event: CanonicalEvent): Promise<void> {
    const { table, partitionKey, rowKey } = toReplayBodyKey(id);
    const columns = await keepBody(this.#bodies, id, "body", JSON.stringify(event));
    const row = { partitionKey, rowKey, columns };
    await writeAll(this.store, [{ table, write: { kind: "upsert", row } }]);
  }

  /** The event and the targets that were pending when it was accepted. */
  async loadAccepted(
    eventId: string,
    time: string,
  ): Promise<{ readonly event: CanonicalEvent; readonly openTargets: readonly string[] }> {
    const stored = await this.read({ eventId, time, target: intakeTarget });
    const event = await this.eventOf({ event: stored }, eventId);
    const targets = stored?.columns["openTargets"];
    return {
      event,
      openTargets: typeof targets === "string" ? (JSON.parse(targets) as readonly string[]) : [],
    };
  }

  async loadRaw(eventId: string, time: string): Promise<string> {
    const event = await this.read({ eventId, time, target: intakeTarget });
    return this.rawOf({ event }, eventId);
  }

  remember(version: Versioned): Versioned {
    if (this.#rememberMs === 0) return version;
    const { etag, row } = version;
    this.#first.note(row, etag);
    this.#remembered.set(keyOf(row), { etag, row: withoutText(row) });
    return version;
  }

  /**
   * How a delivery ended, when this process has written so lately; undefined says nothing. Only a failure may still
   * change in its generation (an effect that was under way is written over it), so the others need no reading.
   */
  recallSettled(id: DeliveryId, generation: number): DeliveryRow | undefined {
    const row = this.#recall(id)?.row;
    if (row === undefined || row.generation !== generation) return undefined;
    return isTerminal(row) && row.state !== "failed" ? row : undefined;
  }

  forget(id: DeliveryId): void {
    this.#remembered.delete(keyOf(id));
    this.#first.forget(id);
  }

  #recallFirst(id: DeliveryId & { readonly isRedelivered?: boolean }): Versioned | undefined {
    if (id.isRedelivered === true) return undefined;
    const known = this.#first.recall(id);
    return known === undefined ? undefined : { ...known, isRemembered: true };
  }

  #recall(id: DeliveryId): Versioned | undefined {
    const known = this.#remembered.get(keyOf(id));
    return known === undefined ? undefined : { ...known, isRemembered: true };
  }
}

/** What a dry run would have sent is as large as the document, and is read from the table by whoever shows it. */
function withoutText(row: DeliveryRow): DeliveryRow {
  return row.wouldSend === null ? row : { ...row, wouldSend: null };
}

/** An event's row also holds its bodies, so its other columns are merged. */
function toUpdate(row: DeliveryRow, etag: string): Write {
  const key = toLedgerKey(row);
  return row.target === intakeTarget
    ? { kind: "merge", row: { ...key, columns: toMergeColumns(row) }, etag }
    : { kind: "replace", row: { ...key, columns: toColumns(row) }, etag };
}

export function toVersioned(stored: StoredRow): Versioned {
  return { row: fromColumns(stored.columns), etag: stored.etag };
}

function keyOf(id: DeliveryId): string {
  return toLedgerRowKey(id.eventId, id.target);
}
