/*
 * Who may cause an effect that must never repeat: one row in `effects` per target and document.
 *
 *   (none) ──take──► claimed ──effect made──► done
 *                     │   ▲ └─surely not made──► free ──take──┐
 *                     │   └──────────────────────────────────┘
 *                     └── leaseUntil passed without a word: only `confirm` may decide
 */
import { isConflict } from "../platform/table-store.ts";
import type { ColumnValue, StoredRow, TableStore } from "../platform/table-store.ts";

export interface ClaimId {
  readonly target: string;
  readonly effectKey: string;
  readonly eventId: string;
  readonly generation: number;
}

type Claim =
  /** Ours: make the effect, then `settle`. */
  | { readonly kind: "taken" }
  | { readonly kind: "done"; readonly eventId: string; readonly reference: string }
  /** Somebody is making it right now. */
  | { readonly kind: "busy"; readonly until: number }
  /** Somebody was making it and never said how it ended. */
  | { readonly kind: "lapsed" };

export interface Claims {
  take(id: ClaimId, now: number): Promise<Claim>;
  settle(
    id: ClaimId,
    result: { readonly state: "done"; readonly reference: string } | { readonly state: "free" },
  ): Promise<void>;
}

const effectsTable = "effects";
/**
 * Longer than an invocation can live (host.json: functionTimeout 10 minutes): when a lease has lapsed,
 * whoever took it is gone for sure, and no call of theirs is still waiting in line.
 */
const leaseMs = 12 * 60_000;
const conflictTries = 5;

export function createClaims(store: TableStore): Claims {
  const read = (id: ClaimId): Promise<StoredRow | undefined> =>
    store.get(effectsTable, { partitionKey: id.target, rowKey: id.effectKey });
  return {
    take: async (id, now) => {
      const columns = toColumns(id, { state: "claimed", leaseUntil: iso(now + leaseMs) });
      const row = { partitionKey: id.target, rowKey: id.effectKey, columns };
      for (let attempt = 0; attempt < conflictTries; attempt += 1) {
        // New documents are the rule: one request for them.
        if (
          attempt === 0 &&
          (await succeeds(() => store.write(effectsTable, { kind: "insert", row })))
        )
          return { kind: "taken" };
        const stored = await read(id);
        if (stored === undefined) continue;
        const verdict = judge(stored, now);
        if (verdict !== undefined) return verdict;
        const { etag } = stored;
        if (await succeeds(() => store.write(effectsTable, { kind: "replace", row, etag }))) {
          return { kind: "taken" };
        }
      }
      return { kind: "busy", until: now + leaseMs };
    },
    settle: async (id, result) => {
      const columns = toColumns(id, {
        state: result.state,
        leaseUntil: "",
        reference: result.state === "done" ? result.reference : "",
      });
      const row = { partitionKey: id.target, rowKey: id.effectKey, columns };
      for (let attempt = 0; attempt < conflictTries; attempt += 1) {
        const stored = await read(id);
        // What is done stays done, whoever comes late with another view.
        if (stored?.columns["state"] === "done") return;
        if (
          await succeeds(() =>
            store.write(
              effectsTable,
              stored === undefined
                ? { kind: "insert", row }
                : { kind: "replace", row, etag: stored.etag },
            ),
          )
        ) {
          return;
        }
      }
    },
  };
}

/** Undefined: free to be taken over. */
function judge(stored: StoredRow, now: number): Claim | undefined {
  const { state, leaseUntil, reference, eventId } = stored.columns;
  if (state === "done") {
    return { kind: "done", eventId: String(eventId), reference: String(reference) };
  }
  if (state === "free") return undefined;
  const until = Date.parse(String(leaseUntil));
  return until > now ? { kind: "busy", until } : { kind: "lapsed" };
}

async function succeeds(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (!isConflict(error)) throw error;
    return false;
  }
}

function toColumns(id: ClaimId, rest: Record<string, ColumnValue>): Record<string, ColumnValue> {
  return { eventId: id.eventId, generation: id.generation, ...rest };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
