import { isConflict, maxTransactionWrites } from "../platform/table-store.ts";
import type { ColumnValue, Write } from "../platform/table-store.ts";
import type { Clock } from "../platform/clock.ts";
import { silentTelemetry } from "../platform/telemetry.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { maxTransactionBytes, sizeOf } from "../platform/transaction-size.ts";
import { inParallel, writeAll } from "./batch-writes.ts";
import { toColumns, toMergeColumns } from "./ledger-columns.ts";
import { intakeTarget, toJourneyKeys, toLedgerKey } from "./ledger-keys.ts";
import type { LedgerKey } from "./ledger-keys.ts";
import type { AcceptItem, AcceptResult, IntakeLedger } from "./ledger-port.ts";
import type { Ledger, Versioned } from "./ledger.ts";
import { createDeliveryRow } from "./ledger-rows.ts";
import type { DeliveryRow } from "./ledger-rows.ts";

/** Everything to write for one event. */
interface Plan {
  readonly item: AcceptItem;
  readonly key: LedgerKey;
  /** The event's row as it was found, if it was. */
  readonly before: Versioned | undefined;
  readonly eventRow: DeliveryRow;
  readonly targetRows: readonly DeliveryRow[];
  /** The event's body, or where it is. */
  readonly body: Readonly<Record<string, ColumnValue>>;
  /** The event's row, then its targets' rows. */
  readonly writes: readonly Write[];
}

export function createIntakeLedger(
  ledger: Ledger,
  clock: Clock,
  telemetry: Telemetry = silentTelemetry,
): IntakeLedger {
  return {
    accept: async (items) => {
      const plans = await toPlans(ledger, items, clock.now());
      const fresh = plans.filter((plan) => !isAccepted(plan.before));
      await ledger.addOpen(
        fresh.flatMap((plan) => plan.targetRows.filter((row) => row.state === "pending")),
      );
      const results = new Map<Plan, AcceptResult>();
      await inParallel(toGroups(fresh), 8, async (group) => {
        for (const [plan, result] of await acceptGroup(ledger, group)) results.set(plan, result);
      });
      await inParallel(
        plans.filter((plan) => !results.has(plan)),
        8,
        async (plan) => void results.set(plan, await toKnownResult(ledger, plan)),
      );
      await writeJourneys(ledger, plans);
      for (const plan of fresh) {
        if (results.get(plan)?.result === "accepted") tellAccepted(telemetry, plan, clock.now());
      }
      return plans.map((plan) => resultOf(results, plan));
    },
  };
}

async function toPlans(
  ledger: Ledger,
  items: readonly AcceptItem[],
  now: number,
): Promise<readonly Plan[]> {
  const ids = items.map(({ event }) => ({
    eventId: event.id,
    time: event.time,
    target: intakeTarget,
  }));
  const found = await ledger.load(ids);
  const plans: Plan[] = [];
  for (const [index, item] of items.entries()) {
    const before = found[index];
    const id = { eventId: item.event.id, time: item.event.time };
    // The hour of `acceptedAt` is part of the open rows' keys: it must be the same on a second run.
    const acceptedAt = before?.row.acceptedAt ?? now;
    const traceparent = item.event.traceparent;
    const eventRow: DeliveryRow = {
      ...(before?.row ??
        createDeliveryRow(
          { ...id, target: intakeTarget },
          { state: "received", acceptedAt, traceparent },
        )),
      state: "accepted",
      traceparent,
    };
    const targetRows = item.targets.map(({ name, initial }) =>
      createDeliveryRow({ ...id, target: name }, { ...initial, acceptedAt, traceparent }),
    );
    // What is accepted already has its body.
    const text = isAccepted(before) ? undefined : JSON.stringify(item.event);
    const body = text === undefined ? {} : await ledger.keepBody(eventRow, "body", text);
    plans.push(toPlan({ item, before, eventRow, targetRows, body }));
  }
  return plans;
}

function toPlan(parts: Omit<Plan, "key" | "writes">): Plan {
  const plan = { ...parts, key: toLedgerKey(parts.eventRow) };
  return { ...plan, writes: toWrites(plan) };
}

function isAccepted(version: Versioned | undefined): boolean {
  return version !== undefined && version.row.state !== "received";
}

/** Events of one partition that fit one transaction; an event is never torn apart. */
function toGroups(plans: readonly Plan[]): readonly (readonly Plan[])[] {
  const groups: Plan[][] = [];
  const current = new Map<string, { group: Plan[]; writes: number; bytes: number }>();
  for (const plan of plans) {
    const place = `${plan.key.table}\n${plan.key.partitionKey}`;
    const writes = 1 + plan.targetRows.length;
    const bytes = plan.writes.reduce((sum, write) => sum + sizeOf(write), 0);
    let entry = current.get(place);
    const twice = entry?.group.some((other) => other.item.event.id === plan.item.event.id) ?? false;
    if (
      entry === undefined ||
      twice ||
      entry.writes + writes > maxTransactionWrites ||
      entry.bytes + bytes > maxTransactionBytes
    ) {
      entry = { group: [], writes: 0, bytes: 0 };
      current.set(place, entry);
      groups.push(entry.group);
    }
    entry.group.push(plan);
    entry.writes += writes;
    entry.bytes += bytes;
  }
  return groups;
}

async function acceptGroup(
  ledger: Ledger,
  group: readonly Plan[],
): Promise<readonly (readonly [Plan, AcceptResult])[]> {
  const [first] = group;
  if (first === undefined) return [];
  try {
    const etags = await ledger.store.transaction(
      first.key.table,
      group.flatMap((plan) => plan.writes),
    );
    let index = 0;
    for (const plan of group) {
      for (const row of [plan.eventRow, ...plan.targetRows]) {
        ledger.remember({ row, etag: etags[index] ?? "" });
        index += 1;
      }
    }
    return group.map((plan) => [plan, toResult(plan)]);
  } catch (error) {
    if (!isConflict(error)) throw error;
    for (const plan of group) ledger.forget(plan.eventRow);
    const results: (readonly [Plan, AcceptResult])[] = [];
    for (const plan of group) {
      // Alone, somebody else must have accepted it (or else changed its row) in between.
      const result =
        group.length === 1
          ? await retryAlone(ledger, plan)
          : (await acceptGroup(ledger, [plan])).map(([, only]) => only)[0];
      if (result !== undefined) results.push([plan, result]);
    }
    return results;
  }
}

/**
 * Reads the event's row again: accepted by somebody else → known, otherwise once more on the new version.
 * A replay after acceptance begins with `received` too; its targets' rows are there already.
 */
async function retryAlone(ledger: Ledger, plan: Plan): Promise<AcceptResult> {
  const [before] = await ledger.load([plan.eventRow], { fresh: true });
  if (isAccepted(before)) return toKnownResult(ledger, plan);
  const eventRow: DeliveryRow = { ...(before?.row ?? plan.eventRow), state: "accepted" };
  const again = toPlan({ ...plan, before, eventRow });
  try {
    const etags = await ledger.store.transaction(plan.key.table, again.writes);
    ledger.remember({ row: again.eventRow, etag: etags[0] ?? "" });
    return toResult(plan);
  } catch (error) {
    if (!isConflict(error) || before === undefined) throw error;
    return toKnownResult(ledger, plan);
  }
}

function toWrites(plan: Omit<Plan, "writes">): readonly Write[] {
  const about = {
    flow: plan.item.event.flow,
    type: plan.item.event.type,
    subject: plan.item.event.subject,
    effectKey: plan.item.event.effectkey,
    customerAccount: plan.item.customerAccount,
    openTargets: JSON.stringify(pendingTargets(plan)),
  };
  const columns = { ...about, ...plan.body };
  const event: Write =
    plan.before === undefined
      ? {
          kind: "insert",
          row: { ...plan.key, columns: { ...toColumns(plan.eventRow), ...columns } },
        }
      : {
          kind: "merge",
          row: { ...plan.key, columns: { ...toMergeColumns(plan.eventRow), ...columns } },
          etag: plan.before.etag,
        };
  return [
    event,
    ...plan.targetRows.map((row): Write => ({
      kind: "insert",
      row: { ...toLedgerKey(row), columns: toColumns(row) },
    })),
  ];
}

function toResult(plan: Plan): AcceptResult {
  return {
    eventId: plan.item.event.id,
    result: "accepted",
    event: plan.item.event,
    openTargets: pendingTargets(plan),
  };
}

function pendingTargets(plan: Pick<Plan, "targetRows">): readonly string[] {
  return plan.targetRows.filter((row) => row.state === "pending").map((row) => row.target);
}

/** Accepted by an earlier run: that run's event and decision stand. */
async function toKnownResult(ledger: Ledger, plan: Plan): Promise<AcceptResult> {
  const { id, time } = plan.item.event;
  const { event, openTargets } = await ledger.loadAccepted(id, time);
  return { eventId: id, result: "known", event, openTargets };
}

async function writeJourneys(ledger: Ledger, plans: readonly Plan[]): Promise<void> {
  const writes = plans.flatMap(({ item }) => {
    const [legalEntity = "", ...rest] = item.event.subject.split("/");
    const number = rest.join("/");
    const { event, customerAccount } = item;
    const columns = {
      eventId: event.id,
      time: event.time,
      flow: event.flow,
      number,
      customerAccount,
      effectKey: event.effectkey,
    };
    const subject = { eventId: event.id, time: event.time, legalEntity, number, customerAccount };
    return toJourneyKeys(subject).map(({ table, partitionKey, rowKey }) => ({
      table,
      write: { kind: "upsert" as const, row: { partitionKey, rowKey, columns } },
    }));
  });
  await writeAll(ledger.store, writes);
}

function resultOf(results: ReadonlyMap<Plan, AcceptResult>, plan: Plan): AcceptResult {
  const result = results.get(plan);
  if (result === undefined) throw new RangeError("an event has no result");
  return result;
}

/** The event's row and its targets' rows changed in one transaction and are told in one event. */
function tellAccepted(telemetry: Telemetry, plan: Plan, now: number): void {
  const { id: eventId, flow, subject, time } = plan.item.event;
  const skipped = plan.targetRows.filter((row) => row.state === "skipped");
  const lagMs = Math.max(now - Date.parse(time), 0);
  telemetry.event(
    "accepted",
    {
      eventId,
      flow,
      legalEntity: subject.split("/")[0] ?? "",
      open: pendingTargets(plan).join(","),
      skipped: skipped.map(({ target }) => target).join(","),
    },
    Number.isFinite(lagMs) ? { lagMs } : {},
  );
  telemetry.metric("causeway.accepted", 1, { flow });
  for (const { target, rule } of skipped) {
    telemetry.metric("causeway.skipped", 1, { flow, target, code: rule ?? "" });
  }
}
