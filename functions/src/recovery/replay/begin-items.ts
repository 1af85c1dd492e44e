/*
 * Begins deliveries anew, a chunk at a time, so that a crash at any point loses nothing and sends nothing
 * twice. In this order: the failure becomes `replaying` (only one replay can win it) → what will be sent is
 * kept, where it differs from what was accepted → `open` row → ledger row failed → pending, generation + 1,
 * hop + 1, on the version that was read → wake-up → the item is `sent`. Found again after a crash, each step
 * is recognised by what it left: a failure that is `replaying` under our id, a row of the next generation
 * whose wake-up is then sent once more (same id, same body, and an old copy when it had arrived). What the flow
 * does not want there by now is not begun (leave-unwanted.ts).
 */
import { inParallel } from "../../delivery/batch-writes.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { createDeliveryRow } from "../../delivery/ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "../../delivery/ledger-rows.ts";
import { toVersioned } from "../../delivery/ledger.ts";
import { onReplay } from "../../delivery/on-replay.ts";
import { nothingStored } from "../../delivery/stored-delivery.ts";
import type { StoredDelivery } from "../../delivery/stored-delivery.ts";
import { toStableId } from "../../platform/effect-key.ts";
import { entities } from "../../platform/messages.ts";
import type { OutgoingMessage } from "../../platform/messages.ts";
import { toRootTraceparent } from "../../platform/trace.ts";
import type { FinanceErrorCode } from "../../dynamics/finance-client.ts";
import { chooseBodies, readStoredRaw } from "./choose-bodies.ts";
import type { Body, HowToRead } from "./choose-bodies.ts";
import { leaveUnwanted } from "./leave-unwanted.ts";
import { readSentChanges } from "./read-changes.ts";
import type { ReplayItem, ReplayJob } from "./replay-job.ts";
import { mustBegin, parallel, toDeliveryId } from "./replay-work.ts";
import type { BeginDependencies, Results, Work } from "./replay-work.ts";
import { settleAll, settleEarly } from "./settle-items.ts";
import type { Ending } from "./settle-items.ts";

export interface BegunChunk {
  readonly items: readonly ReplayItem[];
  /** F&O could not be read for some: those are taken, and nothing of them was begun. */
  readonly later: Later | null;
}

export interface Later {
  readonly code: FinanceErrorCode;
  /** As F&O itself said. */
  readonly afterMs: number | null;
  readonly numbers: readonly number[];
}

export async function beginItems(
  on: BeginDependencies,
  job: ReplayJob,
  items: readonly ReplayItem[],
  how: HowToRead,
): Promise<BegunChunk> {
  const results: Results = new Map();
  const claimed = await claim(on, job, items, results);
  const works = await settleEarly(on, job, await readLedger(on, claimed), results);
  const fresh = works.filter(({ version }) => mustBegin(version));
  const bodies = await leaveUnwanted(on, await chooseBodies(on, job, fresh, how), results);
  await refuseBodies(on, bodies, results);
  const messages = [
    ...(await begin(on, job, bodies, results)),
    ...(await wakeAgain(on, job, works, results)),
  ];
  for (const entity of new Set(messages.map((each) => each.entity))) {
    const own = messages.filter((each) => each.entity === entity);
    await on.sender.send(
      entity,
      own.map(({ message }) => message),
    );
  }
  return { items: [...results.values()], later: toLater(bodies) };
}

/** Told by F&O itself counts more than that it said nothing. */
function toLater(bodies: ReadonlyMap<Work, Body>): Later | null {
  const all = [...bodies].flatMap(([{ item }, body]) =>
    body.kind === "later" ? [{ ...body, number: item.number }] : [],
  );
  const numbers = all.map(({ number }) => number);
  const [first] = all.toSorted((a, b) => (b.afterMs ?? -1) - (a.afterMs ?? -1));
  return first === undefined ? null : { code: first.code, afterMs: first.afterMs, numbers };
}

/**
 * The failures become `replaying` under our id. One that somebody else has, or has decided on, is skipped: that
 * says nothing about the target, so it must not stop the replay.
 */
async function claim(
  on: BeginDependencies,
  job: ReplayJob,
  items: readonly ReplayItem[],
  results: Results,
): Promise<readonly ReplayItem[]> {
  const withFailure = items.flatMap((item) =>
    item.failure === null ? [] : [{ item, failure: item.failure }],
  );
  const moved = await on.failures.move(
    withFailure.map(({ failure }) => ({
      failure: { ...failure, status: "open" as const },
      to: "replaying" as const,
      also: { replayId: job.id },
    })),
  );
  const lost = new Set<ReplayItem>();
  await inParallel(
    withFailure.filter((_each, index) => moved[index] !== true),
    parallel,
    async ({ item, failure }) => {
      const now = await on.failures.get(failure.target, failure.failureId);
      if (now?.status === "replaying" && now.replayId === job.id) return;
      lost.add(item);
      const outcome =
        now?.status === "replaying"
          ? `another replay has it: ${now.replayId}`
          : `it is ${now?.status ?? "gone"} by now`;
      results.set(item.number, { ...item, state: "skipped", outcome });
    },
  );
  return items.filter((item) => !lost.has(item));
}

async function readLedger(
  on: BeginDependencies,
  items: readonly ReplayItem[],
): Promise<readonly Work[]> {
  const works = new Map<ReplayItem, Work>();
  await inParallel(items, parallel, async (item) => {
    const id = toDeliveryId(item);
    const stored = id === null ? nothingStored : await on.ledger.loadStored(id);
    const version = stored.own === undefined ? undefined : toVersioned(stored.own);
    works.set(item, { item, id, version, stored });
  });
  return items.flatMap((item) => works.get(item) ?? []);
}

async function refuseBodies(
  on: BeginDependencies,
  bodies: ReadonlyMap<Work, Body>,
  results: Results,
): Promise<void> {
  const endings = [...bodies].flatMap(([{ item }, body]): Ending[] => {
    if (body.kind !== "refused") return [];
    const outcome = `${body.code}: ${body.reason}`.slice(0, 500);
    return [{ item, end: { state: "refused", outcome, failure: "open" } }];
  });
  await settleAll(on, endings, results);
}

interface Outgoing {
  readonly entity: string;
  readonly message: OutgoingMessage;
}

async function begin(
  on: BeginDependencies,
  job: ReplayJob,
  bodies: ReadonlyMap<Work, Body>,
  results: Results,
): Promise<readonly Outgoing[]> {
  const outgoing: Outgoing[] = [];
  const begun: { work: Work; body: Body; row: DeliveryRow }[] = [];
  for (const [work, body] of bodies) {
    if (body.kind !== "event" && body.kind !== "raw") continue;
    const row = toBegunRow(on, work);
    if (row !== undefined) begun.push({ work, body, row });
    else if (body.kind === "raw") outgoing.push(sendRaw(job, work, body, results, on));
  }
  await inParallel(begun, parallel, async ({ row, body }) => {
    if (body.kind === "event" && body.mustKeep) {
      await on.ledger.saveDeliveryBody(row, body.event);
    }
  });
  await on.ledger.addOpen(begun.map(({ row }) => row));
  for (const { work, body } of await writeRows(on, begun)) {
    const row = begun.find((each) => each.work === work)?.row;
    if (row === undefined) continue;
    outgoing.push(toMessage(on, row, body));
    const changes = body.kind === "event" ? body.changes : [];
    const { generation } = row;
    results.set(work.item.number, { ...work.item, state: "sent", generation, changes });
    tellReplayed(on, work.item, row, body.kind === "event" ? body.event.flow : undefined);
  }
  return outgoing;
}

/** Undefined for an event that intake has never seen: it has no row, and gets one when it arrives. */
function toBegunRow(on: BeginDependencies, work: Work): DeliveryRow | undefined {
  const { id, stored, version } = work;
  const now = on.clock.now();
  // A skipped delivery begins as a failed one does.
  if (version !== undefined) return onReplay({ ...version.row, state: "failed" }, now).row;
  if (id === null || id.target === intakeTarget) return undefined;
  const event = stored.event === undefined ? undefined : toVersioned(stored.event).row;
  const { acceptedAt = now, traceparent = toRootTraceparent(id.eventId) } = event ?? {};
  return { ...createDeliveryRow(id, { state: "pending", acceptedAt, traceparent }), dueAt: now };
}

/** Those whose rows are ours now; somebody was faster with the others, which are looked at again. */
async function writeRows<Each extends { readonly work: Work; readonly row: DeliveryRow }>(
  on: BeginDependencies,
  begun: readonly Each[],
): Promise<readonly Each[]> {
  const changes = begun.filter(({ work }) => work.version !== undefined);
  const saved = await on.ledger.save(
    changes.map(({ work, row }) => ({ row, etag: work.version?.etag ?? "" })),
  );
  const fresh = begun.filter(({ work }) => work.version === undefined);
  const inserted = await on.ledger.insert(fresh.map(({ row }) => ({ row })));
  return [
    ...changes.filter((_each, index) => saved[index] !== undefined),
    ...fresh.filter(({ row }, index) => inserted[index]?.row === row),
  ];
}

function toMessage(on: BeginDependencies, row: DeliveryRow, body: Body): Outgoing {
  if (body.kind === "raw") {
    return { entity: on.intake.entity, message: on.intake.toWakeUpMessage(body.raw, row) };
  }
  const lane = on.targets.get(row.target);
  if (lane === undefined || body.kind !== "event") throw new RangeError("a row without its lane");
  return { entity: lane.entity, message: lane.toWakeUpMessage(body.event, row) };
}

/** As it first came, under an id of its own; intake makes its row. */
function sendRaw(
  job: ReplayJob,
  { item }: Work,
  { identity, raw }: Extract<Body, { readonly kind: "raw" }>,
  results: Results,
  on: BeginDependencies,
): Outgoing {
  const { eventId, time } = identity;
  const { target } = item;
  tellReplayed(on, item, { eventId, target, generation: 0 });
  results.set(item.number, { ...item, state: "sent", generation: 0, eventId, time });
  const messageId = toStableId("replay", job.id, item.failureId);
  const message = { messageId, body: JSON.stringify(raw), properties: {} };
  return { entity: entities.businessEvents, message };
}

/** Once a delivery; after a crash the row is ours already and it was told, or is lost with the process. */
function tellReplayed(
  { telemetry }: BeginDependencies,
  { failure, failureId }: ReplayItem,
  row: Pick<DeliveryRow, "eventId" | "target" | "generation">,
  flow = failure?.flow ?? "",
): void {
  const { eventId, generation, target } = row;
  telemetry.event("replayed", { eventId, flow, target, failureId, generation });
  telemetry.metric("causeway.replayed", 1, { flow, target });
}

/** Begun by us before a crash: the wake-up may not have gone out. One that was called already needs none. */
async function wakeAgain(
  on: BeginDependencies,
  job: ReplayJob,
  works: readonly Work[],
  results: Results,
): Promise<readonly Outgoing[]> {
  const begun = works.filter(({ version }) => !mustBegin(version));
  const messages: (Outgoing | undefined)[] = begun.map(() => undefined);
  await inParallel([...begun.entries()], parallel, async ([index, work]) => {
    const { item, id, stored, version } = work;
    if (id === null || version === undefined) return;
    const { row } = version;
    const changes = await readSentChanges(on.ledger, job, id, stored);
    results.set(item.number, { ...item, state: "sent", generation: row.generation, changes });
    if (row.attempts > 0 || row.code !== null) return;
    messages[index] = toMessage(on, row, await toSentBody(on, id, stored));
  });
  return messages.filter((message) => message !== undefined);
}

async function toSentBody(
  { ledger }: BeginDependencies,
  id: DeliveryId,
  stored: StoredDelivery,
): Promise<Body> {
  if (id.target === intakeTarget) return readStoredRaw(ledger, id, stored);
  const event = await ledger.carriedBy(stored, id.eventId);
  return { kind: "event", event, changes: [], mustKeep: false };
}
