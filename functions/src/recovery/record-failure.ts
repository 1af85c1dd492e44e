import { intakeTarget } from "../delivery/ledger-keys.ts";
import type { Ledger, Versioned } from "../delivery/ledger.ts";
import { isMade, isTerminal } from "../delivery/ledger-rows.ts";
import type { DeliveryId, DeliveryRow } from "../delivery/ledger-rows.ts";
import { defaultSettings, onDeadLettered, toFailureId } from "../delivery/policy.ts";
import {
  isCanonicalEvent,
  isIntakeEnvelope,
  unreadableType,
} from "../delivery/wake-up-messages.ts";
import type { Clock } from "../platform/clock.ts";
import { toStableId } from "../platform/effect-key.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { toTraceId } from "../platform/trace.ts";
import { meaningOf } from "./failure-codes.ts";
import { toGroup } from "./failure-group.ts";
import type { FailureStore } from "./failure-store.ts";
import type { Failure } from "./failure.ts";
import type { NoticeGroup, OwnerNotices } from "./owner-notices.ts";
import { closeUndelivered, findUndelivered, toUndeliveredId } from "./undelivered.ts";

/** A message from `dead-letters` (or from where nobody reads), as it was found. */
export interface DeadLetter {
  readonly body: unknown;
  /** Application properties; empty when the host's arrays do not line up. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** `integration-events/Subscriptions/ce` or a queue's name; null when not known. */
  readonly source: string | null;
}

export interface RecordFailureDependencies {
  readonly ledger: Ledger;
  readonly failures: FailureStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Where owners are told of new groups. */
  readonly notices?: Pick<OwnerNotices, "note">;
  /** Event id and time of a raw business event; null when the body is none. */
  readonly identify: (body: unknown) => { readonly eventId: string; readonly time: string } | null;
  /** The flow that takes a raw business event; empty for none. */
  readonly flowOf: (raw: unknown) => string;
}

/**
 * Puts each dead letter's story into the failure store. Repeatable: ids derive from what failed. Our own
 * dead letters are settled in the ledger already; what Service Bus gave up is settled here first, unless
 * the delivery has gone on without that message.
 */
export async function recordFailures(
  on: RecordFailureDependencies,
  letters: readonly DeadLetter[],
): Promise<number> {
  const told: Told[] = [];
  for (const letter of letters) told.push(...(await toFailures(on, letter)));
  const unique = new Map(told.map(({ failure }) => [failure.failureId, failure]));
  const undelivered = await findUndelivered(on.failures, [...unique.values()]);
  for (const [failureId, { failureId: replaces }] of undelivered) {
    const failure = unique.get(failureId);
    if (failure !== undefined) unique.set(failureId, { ...failure, replaces });
  }
  const added = await on.failures.record([...unique.values()]);
  await closeUndelivered(on.failures, undelivered);
  const overtaken = told.filter(({ madeAs }) => madeAs !== null);
  for (const each of overtaken) {
    await resolve(on, each);
    unique.delete(each.failure.failureId);
  }
  await tell(on, [...unique.values()]);
  return added;
}

interface Told {
  readonly failure: Failure;
  /** The effect was made after all, as this; null: it was not. */
  readonly madeAs: string | null;
}

/** A replay that has the failure finds in the ledger how the delivery ended; what a person decided stays. */
async function resolve(
  { failures }: RecordFailureDependencies,
  { failure: { target, failureId }, madeAs }: Told,
): Promise<void> {
  const failure = await failures.get(target, failureId);
  if (failure?.status !== "open") return;
  await failures.move([{ failure, to: "resolved", also: { outcome: madeAs ?? "" } }]);
}

async function tell(on: RecordFailureDependencies, failures: readonly Failure[]): Promise<void> {
  const groups = new Map<string, NoticeGroup>();
  for (const { code, target, stage, eventId, failureId, reason } of failures) {
    const group = toGroup(code, target, reason);
    groups.set(group, { group, code, target });
    const { owner } = meaningOf(code);
    on.telemetry.event("failure", { code, target, stage, eventId, failureId, owner, group });
  }
  await on.notices?.note([...groups.values()]);
}

async function toFailures(
  on: RecordFailureDependencies,
  letter: DeadLetter,
): Promise<readonly Told[]> {
  const failureId = textOf(letter.body, "failureid");
  const ids = toDeliveryIds(on, letter);
  const unknown = { failure: toUnknown(on, letter, failureId, ids[0]), madeAs: null };
  if (ids.length === 0) return [unknown];
  const versions = await on.ledger.load(ids, { fresh: true });
  const failures: Told[] = [];
  for (const version of versions) {
    if (version === undefined) continue;
    const row =
      failureId === null
        ? await settle(on, letter, version)
        : asItWas(version.row, failureId, letter);
    if (row === undefined) continue;
    const madeAs = isMade(version.row) && row === version.row ? (row.reference ?? "") : null;
    failures.push({ failure: toFailure(on, letter, row), madeAs });
  }
  return versions.some((version) => version !== undefined) ? failures : [unknown];
}

/**
 * No delivery's name. An event goes to several targets, and a message that tells neither its target nor
 * its subscription may be any one's copy: settling all would fail deliveries that are well on their way.
 * The one that lost its wake-up is found by the sweep.
 */
const unknownTarget = "unknown";

/** The delivery that a message is about; none when it names no event. */
function toDeliveryIds(
  on: RecordFailureDependencies,
  { body, source }: DeadLetter,
): readonly DeliveryId[] {
  if (isIntakeEnvelope(body)) return [{ eventId: body.id, time: body.time, target: intakeTarget }];
  if (isCanonicalEvent(body)) {
    const subscription = /\/subscriptions\/([^/]+)/i.exec(source ?? "")?.[1]?.toLowerCase();
    const target = body.target ?? subscription ?? unknownTarget;
    return [{ eventId: body.id, time: body.time, target }];
  }
  const identity = on.identify(body);
  return identity === null ? [] : [{ ...identity, target: intakeTarget }];
}

/** Undefined when the delivery does not hang on this message: it went on, or is settled otherwise. */
async function settle(
  on: RecordFailureDependencies,
  letter: DeadLetter,
  found: Versioned,
): Promise<DeliveryRow | undefined> {
  let version = found;
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const { row } = version;
    if (row.state === "failed") return row;
    if (isTerminal(row) || hopOf(letter.body) < row.hop) return undefined;
    const moment = { now: on.clock.now(), random: 0, settings: defaultSettings };
    const reason = textIn(letter.properties, "DeadLetterReason") ?? "no reason was given";
    const decision = onDeadLettered(row, reason, moment);
    const [saved] = await on.ledger.save([{ row: decision.row, etag: version.etag }]);
    // The open row stays until the failure is stored: the sweep then tells it again.
    if (saved !== undefined) return saved.row;
    const [again] = await on.ledger.load([row], { fresh: true });
    if (again === undefined) return undefined;
    version = again;
  }
  return undefined;
}

/** Told by our own message: the row's story, unless a replay has begun a new one meanwhile. */
function asItWas(row: DeliveryRow, failureId: string, letter: DeadLetter): DeliveryRow {
  if (row.failureId === failureId) return row;
  const { properties } = letter;
  const attempts = Number(properties["attempts"] ?? row.attempts);
  return {
    ...row,
    failureId,
    code: textIn(properties, "code") ?? row.code,
    reason: textIn(properties, "reason") ?? row.reason,
    attempts: Number.isFinite(attempts) ? attempts : row.attempts,
  };
}

function toFailure(
  { flowOf }: RecordFailureDependencies,
  letter: DeadLetter,
  row: DeliveryRow,
): Failure {
  const { body, properties } = letter;
  const subject = textOf(body, "subject") ?? "";
  const [legalEntity = ""] = subject.split("/");
  const failedAt = row.settledAt ?? row.dueAt;
  return {
    failureId: row.failureId ?? "",
    code: row.code ?? "DEAD_LETTERED",
    reason: row.reason ?? "",
    stage: row.target === intakeTarget ? "intake" : "delivery",
    target: row.target,
    attempts: row.attempts,
    firstAt: row.firstFailedAt ?? failedAt,
    lastAt: row.lastFailedAt ?? failedAt,
    eventId: row.eventId,
    time: row.time,
    traceId: toTraceId(row.eventId),
    flow: textOf(body, "flow") ?? flowOf(isIntakeEnvelope(body) ? body.data : body),
    legalEntity,
    businessKey: subject === "" ? row.eventId : subject,
    effectKey: textOf(body, "effectkey") ?? "",
    generation: row.generation,
    // A replay counts the generation up: the failure before it has the one before.
    replaces: row.generation === 0 ? "" : toFailureId(row, row.generation - 1),
    missing: row.missing,
    body: toText(body),
    properties,
  };
}

/** No event at all, one that never reached the ledger, or one of a target that nobody can tell: kept all the same. */
function toUnknown(
  on: RecordFailureDependencies,
  { body, properties, source }: DeadLetter,
  failureId: string | null,
  id: DeliveryId | undefined,
): Failure {
  const isOurs = isRecord(body) && body["type"] === unreadableType;
  const text = toText(isOurs ? body["data"] : body);
  const now = on.clock.now();
  const why =
    textIn(properties, "DeadLetterReason") ??
    textIn(properties, "reason") ??
    (isOurs ? textOf(body, "reason") : null);
  const derived = id === undefined ? toStableId("unreadable", text) : toUndeliveredId(id);
  const fallback = id === undefined ? "UNREADABLE_MESSAGE" : "DEAD_LETTERED";
  return {
    failureId: failureId ?? derived,
    code: textIn(properties, "code") ?? (isOurs ? textOf(body, "code") : null) ?? fallback,
    reason: why ?? `found in ${source ?? "dead-letters"}`,
    stage: "transport",
    target: id?.target ?? textOf(body, "target") ?? intakeTarget,
    attempts: 0,
    firstAt: now,
    lastAt: now,
    eventId: id?.eventId ?? textOf(body, "id") ?? "",
    time: id?.time ?? "",
    traceId: id === undefined ? "" : toTraceId(id.eventId),
    flow: textOf(body, "flow") ?? on.flowOf(isOurs ? body["data"] : body),
    legalEntity: "",
    businessKey: id?.eventId ?? "",
    effectKey: textOf(body, "effectkey") ?? "",
    generation: 0,
    replaces: "",
    missing: [],
    body: text,
    properties,
  };
}

function hopOf(body: unknown): number {
  const hop = isRecord(body) ? body["hop"] : undefined;
  return typeof hop === "number" ? hop : 1;
}

function textOf(body: unknown, name: string): string | null {
  return isRecord(body) ? textIn(body, name) : null;
}

/** Hosts lower the first letter of property names; both spellings are looked for. */
function textIn(record: Readonly<Record<string, unknown>>, name: string): string | null {
  const lowered = name.charAt(0).toLowerCase() + name.slice(1);
  const value = record[name] ?? record[lowered];
  return typeof value === "string" && value !== "" ? value : null;
}

function toText(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
