/*
 * One way for every delivery, intake included: wake-ups in, effects and rows out. The ledger decides;
 * the policy says what follows; targets only say what happened. Throws TableError UNAVAILABLE when the
 * ledger is away and MessagingError when Service Bus is: the trigger has a rule for each.
 */
import { asError } from "../platform/causeway-error.ts";
import type { Clock } from "../platform/clock.ts";
import type { Sender } from "../platform/messages.ts";
import { TableError } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { inParallel } from "./batch-writes.ts";
import type { Budgets } from "./budgets.ts";
import { toThrownRetry } from "./ask-target.ts";
import { callItems } from "./call-items.ts";
import type { Called, Ready } from "./call-items.ts";
import type { Claims } from "./claims.ts";
import { ClockLag } from "./clock-lag.ts";
import { commit } from "./commit.ts";
import type { Decided, Owed } from "./commit.ts";
import { spreadMs } from "./gates.ts";
import type { Admission, Gate, Gates } from "./gates.ts";
import type { Item, Lane, WakeUp } from "./lane.ts";
import type { Ledger, Versioned } from "./ledger.ts";
import { createDeliveryRow } from "./ledger-rows.ts";
import type { DeliveryRow } from "./ledger-rows.ts";
import { onOutcome } from "./on-outcome.ts";
import { afterOutage, summarise } from "./put-off.ts";
import { tellDelivery, tellDuplicate } from "./tell-deliveries.ts";
import {
  defaultSettings,
  onArrival,
  onEarly,
  onHold,
  onNotReached,
  onPark,
  onSkip,
} from "./policy.ts";
import type { Arrival, Decision, Moment, PolicySettings } from "./policy.ts";

export interface EngineDependencies {
  readonly ledger: Ledger;
  readonly claims: Claims;
  readonly gates: Gates;
  readonly budgets: Budgets;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** 0 ≤ random < 1. */
  readonly random: () => number;
}

export interface Engine {
  /**
   * Brings each delivery as far as it gets and leaves every one settled or with a wake-up sent: after
   * this returns the messages may be completed.
   */
  process<Body>(
    lane: Lane<Body>,
    wakeUps: readonly WakeUp<Body>[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryRow[]>;
}

/** Calls under the lease of one probe that may end without an answer of the target. */
const probesWithoutAnswer = 10;

export function createEngine(dependencies: EngineDependencies): Engine {
  const lag = new ClockLag(dependencies.clock);
  return {
    process: async (lane, wakeUps, signal) => {
      const run = new Run(dependencies, lane, lag);
      return run.process(wakeUps, signal);
    },
  };
}

/** One batch on its way through the engine. */
class Run<Body> {
  readonly #on: EngineDependencies;
  readonly #lane: Lane<Body>;
  readonly #decided: Decided<Body>[] = [];
  readonly #owed: Owed<Body>[] = [];
  readonly #unusedPlaces: number[] = [];
  readonly #lag: ClockLag;

  constructor(dependencies: EngineDependencies, lane: Lane<Body>, lag: ClockLag) {
    this.#on = dependencies;
    this.#lane = lane;
    this.#lag = lag;
  }

  async process(
    wakeUps: readonly WakeUp<Body>[],
    signal: AbortSignal,
  ): Promise<readonly DeliveryRow[]> {
    const arrived = await this.#open(newestOf(wakeUps));
    const ready = this.#triage(arrived);
    if (ready.length > 0) await this.#callThroughGate(ready, signal);
    const rows = await commit(this.#on, this.#lane, this.#decided, this.#owed);
    this.#tell(rows);
    await this.#giveBack();
    return rows;
  }

  /**
   * Last, and nothing depends on it: lost in a crash or when the ledger is away, a place stays unused for an
   * hour, and no limit is exceeded. What was delivered is not to be put off for that.
   */
  async #giveBack(): Promise<void> {
    const { target, budget } = this.#lane;
    try {
      await this.#on.budgets.giveBack(target.name, budget, this.#unusedPlaces);
    } catch (error) {
      if (!(error instanceof TableError)) throw error;
      this.#on.telemetry.error(error, { name: "giveBack", target: target.name });
    }
  }

  /** Each wake-up with its row; one that has none (a lane's first message) gets it here. */
  async #open(
    wakeUps: readonly WakeUp<Body>[],
  ): Promise<readonly { readonly item: Item<Body>; readonly arrival: Arrival }[]> {
    const { ledger } = this.#on;
    const isFirst = this.#lane.firstState === "received";
    // A business event that comes in for the first time has no row: inserting is the question.
    const known = wakeUps.filter((wakeUp) => !isFirst || wakeUp.hop > 1);
    const loaded = await ledger.load(
      known.map((wakeUp) => ({
        ...wakeUp,
        minimumHop: wakeUp.hop,
        fresh: !this.#lane.repeatable && wakeUp.isRedelivered === true,
      })),
    );
    const rows = new Map<WakeUp<Body>, Versioned>();
    for (const [index, wakeUp] of known.entries()) {
      const version = loaded[index];
      if (version !== undefined) rows.set(wakeUp, version);
    }
    await this.#insertMissing(
      wakeUps.filter((wakeUp) => !rows.has(wakeUp)),
      rows,
    );
    const opened: { readonly item: Item<Body>; readonly arrival: Arrival }[] = [];
    await inParallel(wakeUps, 8, async (wakeUp) => {
      const version = rows.get(wakeUp);
      if (version === undefined) throw new RangeError("a wake-up has no ledger row");
      if (wakeUp.hop === version.row.hop) this.#lag.learn(version.row);
      const arrival = onArrival(version.row, wakeUp.hop, this.#on.clock.now());
      // A settled delivery needs no body; reading one for a claim check may even be impossible by now.
      if (arrival.kind === "complete") {
        if (isFirst && wakeUp.hop === 1) this.#tellDuplicate(wakeUp);
        return;
      }
      const body = wakeUp.body ?? (await this.#lane.loadBody(wakeUp));
      opened.push({ item: { ...version, hop: wakeUp.hop, body }, arrival });
    });
    return opened;
  }

  async #insertMissing(
    missing: readonly WakeUp<Body>[],
    rows: Map<WakeUp<Body>, Versioned>,
  ): Promise<void> {
    if (missing.length === 0) return;
    const entries = missing.map((wakeUp) => {
      const { hop, traceparent, body } = wakeUp;
      const start = { state: this.#lane.firstState, acceptedAt: this.#on.clock.now() };
      const raw = body === undefined ? null : this.#lane.toRaw(body);
      return {
        row: createDeliveryRow(wakeUp, { ...start, traceparent, hop }),
        ...(raw === null ? {} : { raw }),
      };
    });
    if (this.#lane.firstState === "pending") {
      await this.#on.ledger.addOpen(entries.map(({ row }) => row));
    }
    const inserted = await this.#on.ledger.insert(entries);
    for (const [index, wakeUp] of missing.entries()) {
      const version = inserted[index];
      if (version === undefined) continue;
      rows.set(wakeUp, version);
      if (version.row === entries[index]?.row && version.row.state === "received") {
        this.#on.telemetry.event("received", { eventId: wakeUp.eventId });
      }
    }
  }

  #triage(
    arrived: readonly { readonly item: Item<Body>; readonly arrival: Arrival }[],
  ): readonly Ready<Body>[] {
    const ready: Ready<Body>[] = [];
    const now = this.#on.clock.now();
    for (const { item, arrival } of arrived) {
      const { body, row } = item;
      switch (arrival.kind) {
        case "complete":
          break;
        case "early":
          this.#decide(item, onEarly(row, this.#lag.askAgainFor(row)));
          break;
        case "resendWakeUp":
          this.#owed.push({ body, row, what: "wakeUp" });
          break;
        case "resendFailure":
          this.#owed.push({ body, row, what: "failure" });
          break;
        case "call": {
          const prepared = this.#prepare(body, now);
          if ("thrown" in prepared && arrival.how === "deliver") {
            const outcome = toThrownRetry(prepared.thrown);
            const moment = this.#moment(defaultSettings);
            this.#decide(item, onOutcome(row, { outcome, how: "deliver", calls: 1 }, moment));
          } else if ("settings" in prepared) {
            ready.push({ ...item, how: arrival.how, settings: prepared.settings });
          } else if ("skip" in prepared && arrival.how === "deliver") {
            this.#decide(item, onSkip(row, prepared.skip, now));
          } else {
            // Neither a rule nor a fault of ours may hide an effect that may have been made.
            ready.push({ ...item, how: "confirm", settings: defaultSettings });
          }
        }
      }
    }
    return ready;
  }

  /** A flow or target may be gone since the event was accepted: that is the row's trouble alone. */
  #prepare(body: Body, now: number): ReturnType<Lane<Body>["prepare"]> | { thrown: Error } {
    try {
      return this.#lane.prepare(body, now);
    } catch (error) {
      const thrown = asError(error);
      this.#on.telemetry.error(thrown, { target: this.#lane.target.name });
      return { thrown };
    }
  }

  async #callThroughGate(ready: readonly Ready<Body>[], signal: AbortSignal): Promise<void> {
    const admission = await this.#on.gates.admit(this.#lane.target.name);
    switch (admission.kind) {
      case "go":
        await this.#call(ready, signal, false);
        return;
      case "park":
        this.#park(ready, admission);
        return;
      case "probe":
        await this.#probe(ready, signal);
    }
  }

  /**
   * One after the other until somebody's answer tells whether the target is back. Those who never got
   * as far as the target (skipped, no place, thrown) tell nothing; after a few of them the gate is
   * asked again, which parks the rest unless it opened meanwhile.
   */
  async #probe(ready: readonly Ready<Body>[], signal: AbortSignal): Promise<void> {
    for (const [index, probe] of ready.slice(0, probesWithoutAnswer).entries()) {
      const gate = await this.#call([probe], signal, true);
      if (gate === undefined) continue;
      const others = ready.slice(index + 1);
      if (gate.state === "outage") {
        const isPaused = gate.paused !== null;
        this.#park(others, { until: gate.nextProbeAt, spreadMs: spreadMs(gate), isPaused });
      } else if (others.length > 0) {
        await this.#call(others, signal, false);
      }
      return;
    }
    const rest = ready.slice(probesWithoutAnswer);
    if (rest.length > 0) await this.#callThroughGate(rest, signal);
  }

  /** The gate as the calls left it; undefined when none was made. */
  async #call(
    ready: readonly Ready<Body>[],
    signal: AbortSignal,
    asProbe: boolean,
  ): Promise<Gate | undefined> {
    const called = await callItems(this.#on, this.#lane, ready, { signal, asProbe });
    this.#unusedPlaces.push(...called.flatMap(({ unusedPlaces }) => unusedPlaces));
    const decisions = called.map((each) => ({ each, decision: this.#judge(each) }));
    const report = summarise(decisions.map(({ decision }) => decision.gate));
    const gate =
      report === undefined
        ? undefined
        : await this.#on.gates.report(this.#lane.target.name, report, asProbe);
    for (const { each, decision } of decisions) {
      const known = gate === undefined ? decision : this.#inOutage(each, decision, gate);
      const { item } = each;
      this.#decide(
        item,
        gate === undefined ? known : afterOutage(known, gate, this.#moment(item.settings)),
      );
    }
    return gate;
  }

  #judge(called: Called<Body>): Decision {
    const { item, result } = called;
    const moment = this.#moment(item.settings);
    switch (result.kind) {
      case "answered": {
        const decision = onOutcome(item.row, result, moment);
        const isMade = result.outcome.kind === "delivered";
        return isMade ? toDuplicate(decision, result.madeFor) : decision;
      }
      case "notReached":
        return onNotReached(item.row, moment.now);
      case "duplicate":
      case "superseded": {
        const { reference } = result;
        const isSame = result.kind === "duplicate";
        const outcome = { kind: isSame ? "delivered" : "superseded", reference } as const;
        const decision = onOutcome(item.row, { outcome, how: "deliver", calls: 0 }, moment);
        return { ...toDuplicate(decision, isSame ? result.of : null), gate: null };
      }
      case "later":
        return onHold(item.row, result.dueAt, result.slotAt, moment);
    }
  }

  /** A call that arrived nowhere it could be answered: no attempt of this delivery after all. */
  #inOutage({ item, result }: Called<Body>, decision: Decision, gate: Gate): Decision {
    if (decision.gate?.kind !== "silent" || gate.state !== "outage") return decision;
    if (result.kind !== "answered" || result.outcome.kind !== "retry") return decision;
    const outcome = { ...result.outcome, unreachable: true };
    return onOutcome(item.row, { ...result, outcome }, this.#moment(item.settings));
  }

  #park(
    ready: readonly Ready<Body>[],
    place: Omit<Extract<Admission, { kind: "park" }>, "kind">,
  ): void {
    for (const item of ready) {
      const moment = this.#moment(item.settings);
      const dueAt = place.until + moment.random * place.spreadMs;
      const decision = place.isPaused
        ? onHold(item.row, dueAt, null, moment)
        : onPark(item.row, dueAt, moment);
      this.#decide(item, decision);
    }
  }

  #moment(settings: PolicySettings): Moment {
    return { now: this.#on.clock.now(), random: this.#on.random(), settings };
  }

  #decide(item: Item<Body>, decision: Decision): void {
    const { askFor = this.#lag.askFor(decision.row.dueAt) } = decision;
    const known = askFor === undefined ? decision : { ...decision, askFor };
    this.#decided.push({ item, decision: known });
  }

  #tell(rows: readonly DeliveryRow[]): void {
    const decided = new Map(this.#decided.map((each) => [each.item.row.eventId, each]));
    for (const row of rows) {
      const ours = decided.get(row.eventId);
      // What another instance settled meanwhile was told there.
      if (ours === undefined || row.settledAt !== ours.decision.row.settledAt) continue;
      tellDelivery(this.#on.telemetry, row, this.#lane.flowOf(ours.item.body));
    }
  }

  #tellDuplicate(wakeUp: WakeUp<Body>): void {
    const { body, eventId } = wakeUp;
    const flow = body === undefined ? "" : this.#lane.flowOf(body);
    tellDuplicate(this.#on.telemetry, { eventId, target: this.#lane.target.name }, flow);
  }
}

/** The effect that this delivery was to make had been made for another event. */
function toDuplicate(decision: Decision, of: string | null): Decision {
  if (of === null || of === decision.row.eventId) return decision;
  return { ...decision, row: { ...decision.row, rule: `DUPLICATE_OF ${of}` } };
}

/** Two copies for one delivery in a batch: the newer one stands for both. */
function newestOf<Body>(wakeUps: readonly WakeUp<Body>[]): readonly WakeUp<Body>[] {
  const newest = new Map<string, WakeUp<Body>>();
  for (const wakeUp of wakeUps) {
    const known = newest.get(wakeUp.eventId);
    if (known === undefined || known.hop < wakeUp.hop) newest.set(wakeUp.eventId, wakeUp);
  }
  return [...newest.values()];
}
