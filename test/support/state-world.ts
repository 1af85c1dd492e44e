/*
 * The states and events of docs/decisions/0002 as things that can be made to happen: a row is put into a
 * state, an event happens to it through the real engine, and what was written and what the row is
 * afterwards is told in the table's words.
 */
import { createBudgets } from "../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../functions/src/delivery/claims.ts";
import { createGates } from "../../functions/src/delivery/gates.ts";
import type { DeliveryRow } from "../../functions/src/delivery/ledger-rows.ts";
import { createFailureStore } from "../../functions/src/recovery/failure-store.ts";
import { recordFailures } from "../../functions/src/recovery/record-failure.ts";
import type { OutgoingMessage } from "../../functions/src/platform/messages.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import type { Outcome } from "../../functions/src/targets/target.ts";
import { DeliveryWorld } from "./delivery-world.ts";
import type { WorldOptions } from "./delivery-world.ts";
import { FaultyPorts } from "./faulty-ports.ts";
import type { Call } from "./faulty-ports.ts";
import { numberedEvent } from "./numbered-event.ts";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export const states = [
  "none",
  "pending",
  "parked",
  "unsure",
  "delivered",
  "superseded",
  "skipped",
  "failed",
  "discarded",
] as const;

type State = (typeof states)[number];

const delivered: Outcome = { kind: "delivered", reference: "r1" };
const retry: Outcome = { kind: "retry", code: "BUSY", reason: "busy" };
const away: Outcome = { ...retry, code: "AWAY", unreachable: true };
const wait: Outcome = { kind: "wait", code: "MISSING", missing: ["account/US-1"] };
const unsure: Outcome = { kind: "unsure", code: "LOST", checkAfterMs: 1_000 };

/** What a target may answer, to a call or to a question. */
export const answers = {
  delivered,
  superseded: { kind: "superseded", reference: "r2" },
  skipped: { kind: "skipped", rule: "NO_RECIPIENT" },
  refused: { kind: "reject", code: "REFUSED", reason: "no" },
  "to wait for": wait,
  "to retry": retry,
  throttled: { ...retry, code: "THROTTLED", afterMs: 5_000 },
  away,
  silent: { ...retry, code: "SILENT", silent: true },
  unsure,
  "not reached": null,
} as const satisfies Readonly<Record<string, Outcome | null>>;

export type AnswerName = keyof typeof answers;

/** Answers after which the limit is over. */
const lateAnswers = {
  "to wait for, too long": "to wait for",
  "to retry, too long": "to retry",
  "away, too long": "away",
  "unsure, too long": "unsure",
} as const satisfies Readonly<Record<string, AnswerName>>;

const lateNames: Readonly<Record<string, AnswerName>> = Object.fromEntries(
  Object.entries(lateAnswers).map(([name, answer]) => [name.replace(", ", " "), answer]),
);

/** What another event of the same document has done; it concerns effects that must not repeat. */
const claimEvents = [
  "made for another",
  "being made for another",
  "perhaps made for another",
  "perhaps being made for another",
];

function askAfterMs(claimEvent: string): number {
  return claimEvent === "perhaps being made for another" ? 2 * minuteMs : 0;
}

const rareEvents = ["swept early", "swept", "swept again", "given up"];

export const events: readonly string[] = [
  "old copy",
  "too early",
  "rule says no",
  "gate closed",
  "no place",
  ...claimEvents,
  ...Object.keys(answers),
  ...Object.keys(lateNames),
  "thrown",
  ...rareEvents,
];

/** Everything that begins with a message, whatever becomes of it. */
export const messageEvents = events.filter((event) => !rareEvents.includes(event));

/** All of it is used up when there is no place. */
export const quota = { perHour: 1 };

export class StateWorld {
  readonly faults = new FaultyPorts();
  readonly world: DeliveryWorld;
  readonly event = numberedEvent();

  constructor(options: WorldOptions = {}) {
    this.world = new DeliveryWorld({ rememberMs: 0, ...options, faults: this.faults });
  }

  /** Writes a row in that state, with its wake-up's number 2 and a series that began some time ago. */
  async enter(state: State, changes: Partial<DeliveryRow> = {}): Promise<void> {
    const { world, event } = this;
    if (state === "none") return;
    await world.accept(event);
    const now = world.clock.now();
    const id = { eventId: event.id, time: event.time, target: world.target.name };
    const [version] = await world.ledger.load([id], { fresh: true });
    if (version === undefined) throw new Error("the event was not accepted");
    const row = { ...version.row, hop: 2, attempts: 1, ...toState(state, now), ...changes };
    await world.ledger.save([{ row, etag: version.etag }]);
    if (state !== "pending" && state !== "parked" && state !== "unsure" && state !== "failed") {
      await world.ledger.removeOpen([row]);
    }
  }

  /** Lets the event happen; the calls that left the process. */
  async happen(name: string): Promise<readonly Call[]> {
    const { world, faults } = this;
    const answer = lateNames[name] ?? name;
    if (answer in answers) {
      const outcome: Outcome | null = answers[answer as AnswerName];
      world.target.answers = [outcome];
      // A question that was not reached is one whose batch ran out of time.
      const unreached: Outcome = { kind: "unsure", code: "NOT_REACHED", asked: false };
      world.target.confirmations = [outcome ?? unreached];
    }
    if (name === "gate closed") {
      const gates = createGates(world.memory, world.clock);
      await gates.report(world.target.name, { kind: "unreachable", probeAt: null }, false);
    }
    if (name === "no place") {
      const { memory: store, clock } = world;
      const budgets = createBudgets({ store, clock, instances: 1, random: () => 0.5 });
      await budgets.reserve(world.target.name, quota, 1);
    }
    if (claimEvents.includes(name)) await this.#claimForAnother(name);
    if (name === "thrown") world.target.onCall = fail;
    faults.forgetCalls();
    await this.#act(name);
    return [...faults.calls];
  }

  async #claimForAnother(name: string): Promise<void> {
    const { memory, clock, target } = this.world;
    const claims = createClaims(memory);
    const { effectkey: effectKey } = this.event;
    const id = { target: target.name, effectKey, eventId: "another", version: null };
    const claim = await claims.take(id, clock.now());
    const held = claim.kind === "taken" ? claim.held : null;
    if (name === "being made for another") return;
    await claims.settle(
      id,
      held,
      name === "made for another"
        ? { state: "done", reference: "r9" }
        : { state: "unsure", memo: null, askFrom: clock.now() + askAfterMs(name) },
      clock.now(),
    );
    target.confirmations = [delivered];
  }

  async #act(name: string): Promise<void> {
    const { world } = this;
    switch (name) {
      case "swept early":
        await world.sweep();
        return;
      case "swept":
      case "swept again":
        world.clock.advance(hourMs);
        await world.sweep();
        return;
      case "given up":
        await this.#giveUp();
        return;
      default:
        await world.handle([this.message(name === "old copy" ? 1 : 2)]);
    }
  }

  message(hop: number): OutgoingMessage {
    const body = JSON.stringify({ ...this.event, target: this.world.target.name, hop });
    return { messageId: `m${hop}`, body, properties: {} };
  }

  async #giveUp(): Promise<void> {
    const { ledger, store, clock } = this.world;
    const failures = createFailureStore(store, clock);
    const telling = { telemetry: silentTelemetry, identify: () => null, flowOf: () => "" };
    const on = { ledger, failures, clock, ...telling };
    const body: unknown = JSON.parse(this.message(2).body);
    await recordFailures(on, [
      { body, properties: { DeadLetterReason: "MaxDeliveryCountExceeded" }, source: null },
    ]);
  }

  /** In the table's words. */
  async state(): Promise<string> {
    const { world, event } = this;
    const id = { eventId: event.id, time: event.time, target: world.target.name };
    const [version] = await world.ledger.load([id], { fresh: true });
    return version === undefined ? "none" : stateOf(version.row);
  }

  /** The state of the document's claim; empty when there is none. */
  claim(): string {
    const [row] = this.world.memory.rows("effects");
    return row === undefined ? "" : String(row.columns["state"]);
  }
}

export function stateOf(row: DeliveryRow): string {
  if (row.state !== "pending") return row.state;
  if (row.unsureSince !== null) return "unsure";
  return row.awaySince === null ? "pending" : "parked";
}

/** What a row has to have for an event to happen to it: a limit that is over, a time that has not come. */
export function limitsOver(name: string, now: number): Partial<DeliveryRow> {
  switch (name) {
    case "to wait for too long":
      return { waitingSince: now - 6 * dayMs };
    case "to retry too long":
      return { retryingSince: now - 2 * dayMs };
    case "away too long":
      return { awaySince: now - 8 * dayMs };
    case "unsure too long":
      return { unsureSince: now - 2 * hourMs };
    case "swept again":
      return { sweeps: 3 };
    case "too early":
      return { dueAt: now + minuteMs };
    default:
      return {};
  }
}

function toState(state: State, now: number): Partial<DeliveryRow> {
  switch (state) {
    case "none":
    case "pending":
      return {};
    case "parked":
      return { awaySince: now - minuteMs };
    case "unsure":
      return { unsureSince: now - minuteMs };
    case "failed":
      return { state, failureId: "f1", settledAt: now };
    default:
      return { state, settledAt: now };
  }
}

function fail(): never {
  throw new TypeError("cannot read what is not there");
}

/** `row open- wake-up`: what left the process, reads left out. */
export function toWrites(calls: readonly Call[]): string {
  const words = calls
    .flatMap(({ port, label }) => wordOf(port, label))
    .filter((word, index, all) => word !== "failure" || all[index - 1] !== word);
  return words.length === 0 ? "nothing" : words.join(" ");
}

function wordOf(port: string, label: string): readonly string[] {
  const [method = "", entity = "", kind = ""] = label.split(" ");
  if (port === "target") return [method === "confirm" ? "ask" : "call"];
  if (port === "sender") return [entity === "dead-letters" ? "dead-letter" : "wake-up"];
  if (port !== "store" || method === "get" || method === "query") return [];
  if (entity.startsWith("ledger")) return ["row"];
  if (entity === "open") return [kind === "delete" ? "open-" : "open+"];
  return [{ effects: "claim", failures: "failure" }[entity] ?? entity];
}
