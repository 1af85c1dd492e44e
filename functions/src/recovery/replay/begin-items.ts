/*
 * Begins deliveries anew, a chunk at a time, so that a crash at any point loses nothing and sends nothing
 * twice. In this order: the failure becomes `replaying` (only one replay can win it) → what will be sent is
 * kept, where it differs from what was accepted → `open` row → ledger row failed → pending, generation + 1,
 * hop + 1, on the version that was read → wake-up → the item is `sent`. Found again after a crash, each step
 * is recognised by what it left: a failure that is `replaying` under our id, a row of the next generation
 * whose wake-up is then sent once more (same id, same body, and an old copy when it had arrived).
 */
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { inParallel } from "../../delivery/batch-writes.ts";
import type { Lane } from "../../delivery/lane.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import { createDeliveryRow, isTerminal } from "../../delivery/ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "../../delivery/ledger-rows.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import type { EventRest, Ledger, Versioned } from "../../delivery/ledger.ts";
import { onReplay } from "../../delivery/on-replay.ts";
import type { Clock } from "../../platform/clock.ts";
import { toStableId } from "../../platform/effect-key.ts";
import { maskAddresses } from "../../platform/mask-addresses.ts";
import { entities } from "../../platform/messages.ts";
import type { OutgoingMessage, Sender } from "../../platform/messages.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import { toRootTraceparent } from "../../platform/trace.ts";
import type { ParsedEvent } from "../../intake/parse-business-event.ts";
import type { FailureStore } from "../failure-store.ts";
import type { FailureStatus } from "../failure.ts";
import { allRead, diffEvents } from "./diff-events.ts";
import { rebuildEvents } from "./rebuild-events.ts";
import type { Rebuilt, RebuildDependencies } from "./rebuild-events.ts";
import type { EventChange, ReplayItem, ReplayJob } from "./replay-job.ts";

export interface BeginDependencies extends RebuildDependencies {
  readonly failures: FailureStore;
  readonly ledger: Ledger;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly intake: Lane<unknown>;
  readonly targets: ReadonlyMap<string, Lane<CanonicalEvent>>;
  readonly parse: (body: unknown) => ParsedEvent;
}

export interface BegunChunk {
  readonly items: readonly ReplayItem[];
  /** F&O asks to come back later: nothing of these was begun. */
  readonly later: { readonly code: string; readonly afterMs: number } | null;
}

/** One item on its way. */
interface Work {
  readonly item: ReplayItem;
  /** Null for a failure whose message names no event. */
  readonly id: DeliveryId | null;
  readonly version: Versioned | undefined;
}

type Body =
  | {
      readonly kind: "event";
      readonly event: CanonicalEvent;
      readonly changes: readonly EventChange[];
    }
  | { readonly kind: "raw"; readonly raw: unknown }
  /** The accepted event's retention is over: F&O has to be read for it. */
  | { readonly kind: "rest"; readonly rest: EventRest }
  | Exclude<Rebuilt, { readonly kind: "event" }>;

/** What became of the items of one chunk; an item that is not in it is tried again. */
type Results = Map<number, ReplayItem>;

const parallel = 16;

export async function beginItems(
  on: BeginDependencies,
  job: ReplayJob,
  items: readonly ReplayItem[],
  signal: AbortSignal,
): Promise<BegunChunk> {
  const results: Results = new Map();
  const claimed = await claim(on, job, items, results);
  const works = await settleEarly(on, await readLedger(on, claimed), results);
  const fresh = works.filter(({ version }) => mustBegin(version));
  const bodies = await chooseBodies(on, job, fresh, signal);
  const later = [...bodies.values()].find((body) => body.kind === "later");
  if (later?.kind === "later") return { items: [...results.values()], later };
  await refuseBodies(on, bodies, results);
  const messages = [
    ...(await begin(on, job, bodies, results)),
    ...(await wakeAgain(on, works, results)),
  ];
  for (const entity of new Set(messages.map((each) => each.entity))) {
    const own = messages.filter((each) => each.entity === entity);
    await on.sender.send(
      entity,
      own.map(({ message }) => message),
    );
  }
  return { items: [...results.values()], later: null };
}

/** The failures become `replaying` under our id; whoever has another one keeps it. */
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
      results.set(item.number, { ...item, state: "refused", outcome });
    },
  );
  return items.filter((item) => !lost.has(item));
}

async function readLedger(
  on: BeginDependencies,
  items: readonly ReplayItem[],
): Promise<readonly Work[]> {
  const ids = items.map(toDeliveryId);
  const wanted = ids.filter((id) => id !== null);
  const loaded = await on.ledger.load(wanted, { fresh: true });
  const versions = new Map(wanted.map((id, index) => [id, loaded[index]]));
  return items.map((item, index) => {
    const id = ids[index] ?? null;
    return { item, id, version: id === null ? undefined : versions.get(id) };
  });
}

export function toDeliveryId({ eventId, time, target }: ReplayItem): DeliveryId | null {
  return eventId === "" || time === "" ? null : { eventId, time, target };
}

/** True for a row that has to be begun anew; else it is under way by ourselves already. */
function mustBegin(version: Versioned | undefined): boolean {
  return version === undefined || isTerminal(version.row);
}

/** Takes out what needs no sending: settled meanwhile, or impossible here. */
async function settleEarly(
  on: BeginDependencies,
  works: readonly Work[],
  results: Results,
): Promise<readonly Work[]> {
  const left: Work[] = [];
  const endings: Ending[] = [];
  for (const work of works) {
    const end = toEarlyEnd(on, work);
    if (end === undefined) left.push(work);
    else endings.push({ item: work.item, end });
  }
  await settleAll(on, endings, results);
  return left;
}

export interface Ending {
  readonly item: ReplayItem;
  readonly end: End;
}

interface End {
  readonly state: ReplayItem["state"];
  readonly outcome: string;
  readonly failure: FailureStatus;
  readonly replacedBy?: string;
}

function toEarlyEnd(on: BeginDependencies, { item, version }: Work): End | undefined {
  if (item.target !== intakeTarget && !on.targets.has(item.target)) {
    const outcome = `there is no target ${item.target} here`;
    return { state: "refused", outcome, failure: "open" };
  }
  if (version === undefined || !isTerminal(version.row)) return undefined;
  const { row } = version;
  if (item.isRepair && row.state === "delivered") return undefined;
  switch (row.state) {
    case "failed": {
      if (item.failureId === "" || row.failureId === item.failureId) return undefined;
      const replacedBy = row.failureId ?? "";
      return {
        state: "refused",
        outcome: "a later failure stands",
        failure: "replaced",
        replacedBy,
      };
    }
    case "skipped":
      // Asked for by a window: the rule may say something else by now.
      return item.failureId === "" ? undefined : toSettledEnd(row);
    default:
      return toSettledEnd(row);
  }
}

/** Of a delivery that is settled without having failed. */
export function toSettledEnd(row: DeliveryRow): End {
  const outcome = row.rule ?? row.reference ?? "";
  switch (row.state) {
    case "skipped":
      return { state: "skipped", outcome, failure: "resolved" };
    case "discarded":
      return { state: "refused", outcome: "it is discarded by now", failure: "discarded" };
    default:
      return { state: "delivered", outcome, failure: "resolved" };
  }
}

/** The failures first: an item that is not written is looked at again and finds them so. */
export async function settleAll(
  on: Pick<BeginDependencies, "failures">,
  endings: readonly Ending[],
  results: Results,
): Promise<void> {
  await on.failures.move(
    endings.flatMap(({ item, end: { outcome, failure: to, replacedBy = "" } }) => {
      if (item.failure === null) return [];
      const failure = { ...item.failure, status: "replaying" as const };
      // The failure outlives its body, and a reason may quote an address.
      return [{ failure, to, also: { outcome: maskAddresses(outcome), replacedBy } }];
    }),
  );
  for (const { item, end } of endings) {
    results.set(item.number, { ...item, state: end.state, outcome: end.outcome });
  }
}

async function chooseBodies(
  on: BeginDependencies,
  job: ReplayJob,
  works: readonly Work[],
  signal: AbortSignal,
): Promise<ReadonlyMap<Work, Body>> {
  const bodies = new Map<Work, Body>();
  const stored = new Map<Work, CanonicalEvent | EventRest>();
  await inParallel(works, parallel, async (work) => {
    const body = await readBody(on, job, work);
    if (body.kind === "event") stored.set(work, body.event);
    if (body.kind === "rest") stored.set(work, body.rest);
    bodies.set(work, body);
  });
  if (job.options.asStored || stored.size === 0) return bodies;
  const rebuilt = await rebuildEvents(on, [...stored.values()], signal);
  for (const [index, [work, before]] of [...stored].entries()) {
    const after = rebuilt[index];
    if (after?.kind === "event") {
      const changes = "data" in before ? diffEvents(before, after.event) : allRead;
      bodies.set(work, { ...after, changes });
    } else if (after !== undefined) bodies.set(work, after);
  }
  return bodies;
}

/** As the ledger has it; a failure whose event never came that far has it itself. */
async function readBody(
  on: BeginDependencies,
  job: ReplayJob,
  { item, id, version }: Work,
): Promise<Body> {
  try {
    if (item.target === intakeTarget) return await readRaw(on, item, id, version);
    if (id === null)
      return { kind: "refused", code: "UNREADABLE_MESSAGE", reason: "it names no event" };
    return { kind: "event", event: await on.ledger.loadDeliveryBody(id), changes: [] };
  } catch (error) {
    if (!isWithoutBody(error)) throw error;
    const isAsked = !job.options.asStored && item.target !== intakeTarget;
    const rest = isAsked && id !== null ? await on.ledger.loadRest(id.eventId, id.time) : undefined;
    if (rest !== undefined) return { kind: "rest", rest };
    return { kind: "refused", code: error.code, reason: error.message };
  }
}

async function readRaw(
  on: BeginDependencies,
  item: ReplayItem,
  id: DeliveryId | null,
  version: Versioned | undefined,
): Promise<Body> {
  if (id !== null && version !== undefined) {
    return {
      kind: "raw",
      raw: JSON.parse(await on.ledger.loadRaw(id.eventId, id.time)) as unknown,
    };
  }
  const failure = await on.failures.get(item.target, item.failureId);
  if (failure !== undefined && failure.bodyTakenAt !== null) {
    const reason = "the retention of its body is over; send the event again from F&O";
    return { kind: "refused", code: "BODY_RETENTION_OVER", reason };
  }
  const raw = parseOr(failure?.body ?? "");
  const parsed = on.parse(raw);
  if (parsed.kind !== "failure" || parsed.identity !== null) return { kind: "raw", raw };
  return { kind: "refused", code: parsed.code, reason: parsed.reason };
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
    const row = await toBegunRow(on, work);
    if (row !== undefined) begun.push({ work, body, row });
    else if (body.kind === "raw") outgoing.push(sendRaw(job, work, body.raw, results, on));
  }
  await inParallel(begun, parallel, async ({ row, body }) => {
    if (body.kind === "event" && body.changes.length > 0) {
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
async function toBegunRow(on: BeginDependencies, work: Work): Promise<DeliveryRow | undefined> {
  const { id, version } = work;
  const now = on.clock.now();
  // A skipped delivery begins as a failed one does.
  if (version !== undefined) return onReplay({ ...version.row, state: "failed" }, now).row;
  if (id === null || id.target === intakeTarget) return undefined;
  const [event] = await on.ledger.load([{ ...id, target: intakeTarget }]);
  const { acceptedAt = now, traceparent = toRootTraceparent(id.eventId) } = event?.row ?? {};
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
  raw: unknown,
  results: Results,
  on: BeginDependencies,
): Outgoing {
  const parsed = on.parse(raw);
  const identity =
    parsed.kind === "invoice" ? parsed.event : parsed.kind === "failure" ? parsed.identity : null;
  const { eventId = "", time = "" } = identity ?? {};
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
  works: readonly Work[],
  results: Results,
): Promise<readonly Outgoing[]> {
  const outgoing: Outgoing[] = [];
  for (const { item, id, version } of works) {
    if (id === null || version === undefined || mustBegin(version)) continue;
    const { row } = version;
    results.set(item.number, { ...item, state: "sent", generation: row.generation });
    if (row.attempts > 0 || row.code !== null) continue;
    const body: Body =
      item.target === intakeTarget
        ? { kind: "raw", raw: JSON.parse(await on.ledger.loadRaw(id.eventId, id.time)) as unknown }
        : { kind: "event", event: await on.ledger.loadDeliveryBody(id), changes: [] };
    outgoing.push(toMessage(on, row, body));
  }
  return outgoing;
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Failures that were taken and not sent are open again. Gives those that turn out to be under way: they are
 * `sent` and must be followed.
 */
export async function releaseItems(
  on: Pick<BeginDependencies, "failures" | "ledger">,
  job: ReplayJob,
  items: readonly ReplayItem[],
): Promise<readonly ReplayItem[]> {
  const begun: ReplayItem[] = [];
  await inParallel(items, parallel, async (item) => {
    if (item.failure === null) return;
    const failure = await on.failures.get(item.target, item.failureId);
    if (failure?.status !== "replaying" || failure.replayId !== job.id) return;
    const id = toDeliveryId(item);
    const [version] = id === null ? [] : await on.ledger.load([id], { fresh: true });
    if (version !== undefined && version.row.failureId !== item.failureId) {
      begun.push({ ...item, state: "sent", generation: version.row.generation });
      return;
    }
    await on.failures.move([{ failure, to: "open", also: { outcome: "the replay ended before" } }]);
  });
  return begun;
}
