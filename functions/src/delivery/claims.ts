/*
 * Who may cause an effect: one row in `effects` per target and document, for targets whose effect must
 * never repeat and for flows marked `versioned`.
 *
 *   (none) ──take──► claimed ──effect made──► done
 *              ▲        │
 *              │        ├── surely not made ──► free ──take──► claimed
 *              │        └── it may have happened, or leaseUntil passed without a word ──► only
 *              │            `confirm` may decide, from askFrom on: done or free
 *              └── versioned: also from done, unless what is done is newer, and from a lapsed claim
 *
 * A claim belongs to whoever took it or asks about it: it ends only on the version of the row that they
 * hold, so that a late answer never frees what is somebody else's by now. An effect that must not repeat and
 * is made is written down whoever holds the row, and however late.
 *
 * `askFrom`: what is under way at its maker's is not to be found there yet, and "surely absent" would free the
 * document for a second effect. That holds for every event of the document, so the time is the claim's.
 *
 * `generation` numbers the operations for one document and is what a mail's operation id is made of. It
 * rises when the operation before is known to have failed for good, and at no other time: one that may
 * have happened is asked about, and made again, under its own number, whichever event or replay does it.
 */
import { isConflict } from "../platform/table-store.ts";
import type { ColumnValue, RowKeys, StoredRow, TableStore } from "../platform/table-store.ts";

export interface ClaimId {
  readonly target: string;
  readonly effectKey: string;
  readonly eventId: string;
  /** Of the document in a flow marked `versioned`; null: the effect must never repeat. */
  readonly version: bigint | null;
}

/** A claim as whoever holds it knows it. */
export interface HeldClaim {
  /** Whose call it was. */
  readonly eventId: string;
  /** Of the operation; a row's own generation counts its replays. */
  readonly generation: number;
  /** What an `unsure` outcome left for the next question, whoever puts it. */
  readonly memo: string | null;
  readonly etag: string;
  /** Whether the row says already that the outcome is unsure. */
  readonly isUnsure: boolean;
}

type Claim =
  /** Ours: make the effect, then say how it ended. */
  | { readonly kind: "taken"; readonly held: HeldClaim }
  | { readonly kind: "done"; readonly eventId: string; readonly reference: string }
  /** A newer version of the document is there. */
  | { readonly kind: "superseded"; readonly reference: string }
  /** Somebody is making it right now, or may be: it is too early to ask. */
  | { readonly kind: "busy"; readonly until: number }
  /** It may have been made: ask about this operation. */
  | { readonly kind: "ask"; readonly held: HeldClaim };

export type ClaimEnd =
  | { readonly state: "done"; readonly reference: string }
  /** `hasFailed`: the operation is known to have failed for good; the next one gets a new number. */
  | { readonly state: "free"; readonly hasFailed: boolean }
  /** `askFrom`: epoch ms before which nobody is to ask. */
  | { readonly state: "unsure"; readonly memo: string | null; readonly askFrom: number };

export interface Claims {
  take(id: ClaimId, now: number): Promise<Claim>;
  /** Only a document that nobody has ever claimed. */
  takeNew(id: ClaimId, now: number): Promise<HeldClaim | undefined>;
  /** For an effect that may have been made: what to ask about; `free` when nobody claims it. */
  inspect(
    id: ClaimId,
    now: number,
  ): Promise<Exclude<Claim, { kind: "taken" }> | { readonly kind: "free" }>;
  /** `held` is null for whoever holds no claim: then only an effect that is made is written down. */
  settle(id: ClaimId, held: HeldClaim | null, end: ClaimEnd, now: number): Promise<void>;
}

const effectsTable = "effects";
/**
 * Longer than an invocation can live (host.json: functionTimeout 10 minutes) by clocks that differ by five
 * minutes: when a lease has lapsed, whoever took it is gone, and no call of theirs is under way.
 */
const leaseMs = 16 * 60_000;
const conflictTries = 5;
/**
 * What this process itself wrote down as unsure is asked about without a look: an answer is only ever
 * written on the version that was asked about, and a question has no effect.
 */
const rememberMs = 60_000;
/** By so little may whoever asks be before its time: a wake-up follows another clock than ours. */
const earlyMs = 2_000;
const rememberedClaims = 20_000;

export function createClaims(store: TableStore): Claims {
  const read = (id: ClaimId): Promise<StoredRow | undefined> => store.get(effectsTable, toKeys(id));
  const unsure = new Map<string, { readonly stored: StoredRow; readonly at: number }>();
  const remember = (id: ClaimId, stored: StoredRow, at: number): void => {
    const [oldest] = unsure.keys();
    if (unsure.size >= rememberedClaims && oldest !== undefined) unsure.delete(oldest);
    unsure.set(nameOf(id), { stored, at });
  };
  const recall = (id: ClaimId, now: number): StoredRow | undefined => {
    const known = unsure.get(nameOf(id));
    return known !== undefined && now - known.at <= rememberMs ? known.stored : undefined;
  };
  const claim = async (
    id: ClaimId,
    now: number,
    stored: StoredRow | undefined,
  ): Promise<HeldClaim | undefined> => {
    const { eventId } = id;
    const generation = nextGeneration(stored);
    const etag = await write(store, id, toClaimed(eventId, generation, now), stored?.etag);
    return etag === undefined
      ? undefined
      : { eventId, generation, memo: null, etag, isUnsure: false };
  };
  return {
    take: async (id, now) => {
      for (let attempt = 0; attempt < conflictTries; attempt += 1) {
        // New documents are the rule: one request for them.
        const stored = attempt === 0 ? undefined : await read(id);
        const verdict = stored === undefined ? undefined : judge(stored, id, now);
        if (verdict !== undefined && verdict.kind !== "free") return verdict;
        const held = await claim(id, now, stored);
        if (held !== undefined) return { kind: "taken", held };
      }
      return { kind: "busy", until: now + leaseMs };
    },
    takeNew: (id, now) => claim(id, now, undefined),
    inspect: async (id, now) => {
      const stored = recall(id, now) ?? (await read(id));
      return stored === undefined ? { kind: "free" } : judge(stored, id, now);
    },
    settle: async (id, held, end, now) => {
      if (held !== null && end.state === "unsure" && isSaid(held, end.memo)) return;
      unsure.delete(nameOf(id));
      if (held !== null) {
        const columns = toEnd(id, held, end);
        const etag = await write(store, id, columns, held.etag);
        if (etag !== undefined) {
          if (end.state === "unsure") remember(id, { ...toKeys(id), columns, etag }, now);
          return;
        }
      }
      // Somebody else has the row by now. A made effect they must learn of, unless it may repeat.
      if (end.state !== "done" || id.version !== null) return;
      for (let attempt = 0; attempt < conflictTries; attempt += 1) {
        const stored = await read(id);
        if (stored?.columns["state"] === "done") return;
        const owner = held ?? { eventId: id.eventId, generation: generationOf(stored) };
        if ((await write(store, id, toEnd(id, owner, end), stored?.etag)) !== undefined) return;
      }
      throw new Error("a claim changed under every attempt to write its effect down");
    },
  };
}

function toKeys({ target, effectKey }: ClaimId): RowKeys {
  return { partitionKey: target, rowKey: effectKey };
}

function nameOf({ target, effectKey }: ClaimId): string {
  return `${target}|${effectKey}`;
}

function judge(
  stored: StoredRow,
  id: ClaimId,
  now: number,
): Exclude<Claim, { kind: "taken" }> | { readonly kind: "free" } {
  const { state, leaseUntil, reference, eventId } = stored.columns;
  const mayRepeat = id.version !== null;
  if (isSuperseded(stored, id)) return { kind: "superseded", reference: String(reference) };
  if (state === "free") return { kind: "free" };
  if (state === "done") {
    // The same version is written again: a repair must be able to.
    if (mayRepeat) return { kind: "free" };
    return { kind: "done", eventId: String(eventId), reference: String(reference) };
  }
  const until = Date.parse(String(leaseUntil));
  if (state === "claimed" && until > now) return { kind: "busy", until };
  if (mayRepeat) return { kind: "free" };
  const askFrom = Date.parse(String(stored.columns["askFrom"]));
  if (state === "unsure" && askFrom > now + earlyMs) return { kind: "busy", until: askFrom };
  return { kind: "ask", held: toHeld(stored) };
}

/** `version` is that of the last effect made, whatever has been claimed since. */
function isSuperseded(stored: StoredRow, { version }: ClaimId): boolean {
  const made = stored.columns["version"];
  return version !== null && typeof made === "string" && made !== "" && version < BigInt(made);
}

function toHeld(stored: StoredRow): HeldClaim {
  const { eventId, memo, state } = stored.columns;
  return {
    eventId: String(eventId),
    generation: generationOf(stored),
    memo: typeof memo === "string" && memo !== "" ? memo : null,
    etag: stored.etag,
    isUnsure: state === "unsure",
  };
}

function generationOf(stored: StoredRow | undefined): number {
  return Number(stored?.columns["generation"] ?? 0);
}

function nextGeneration(stored: StoredRow | undefined): number {
  return generationOf(stored) + (stored?.columns["hasFailed"] === true ? 1 : 0);
}

/** Questions are many; each has its count in the delivery's own row. */
function isSaid(held: HeldClaim, memo: string | null): boolean {
  return held.isUnsure && (held.memo !== null || memo === null);
}

/** Merged over what is there: version and reference of what is made stay. */
function toClaimed(eventId: string, generation: number, now: number): Record<string, ColumnValue> {
  const leaseUntil = new Date(now + leaseMs).toISOString();
  return { eventId, generation, state: "claimed", leaseUntil, memo: "", hasFailed: false };
}

function toEnd(
  id: ClaimId,
  owner: Pick<HeldClaim, "eventId" | "generation">,
  end: ClaimEnd,
): Record<string, ColumnValue> {
  const { eventId, generation } = owner;
  switch (end.state) {
    case "done":
      return {
        eventId,
        generation,
        state: "done",
        reference: end.reference,
        version: id.version === null ? "" : String(id.version),
      };
    case "free":
      return { eventId, generation, state: "free", hasFailed: end.hasFailed };
    case "unsure":
      return {
        eventId,
        generation,
        state: "unsure",
        memo: end.memo ?? "",
        askFrom: new Date(end.askFrom).toISOString(),
      };
  }
}

/** Undefined when the row is another version by now, or is there already. */
async function write(
  store: TableStore,
  id: ClaimId,
  columns: Record<string, ColumnValue>,
  etag: string | undefined,
): Promise<string | undefined> {
  const row = { ...toKeys(id), columns };
  try {
    return await store.write(
      effectsTable,
      etag === undefined ? { kind: "insert", row } : { kind: "merge", row, etag },
    );
  } catch (error) {
    if (!isConflict(error)) throw error;
    return undefined;
  }
}
