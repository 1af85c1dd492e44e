import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { createBudgets } from "../../functions/src/delivery/budgets.ts";
import type { Budget } from "../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../functions/src/delivery/claims.ts";
import { createTargetLane } from "../../functions/src/delivery/create-lane.ts";
import { createEngine } from "../../functions/src/delivery/engine.ts";
import { createGates, type Gates } from "../../functions/src/delivery/gates.ts";
import { createIntakeLedger } from "../../functions/src/delivery/intake-ledger.ts";
import type { Lane } from "../../functions/src/delivery/lane.ts";
import { Ledger } from "../../functions/src/delivery/ledger.ts";
import type { DeliveryRow } from "../../functions/src/delivery/ledger-rows.ts";
import { commit } from "../../functions/src/delivery/commit.ts";
import { onReplay } from "../../functions/src/delivery/on-replay.ts";
import { defaultSettings } from "../../functions/src/delivery/policy.ts";
import type { PolicySettings } from "../../functions/src/delivery/policy.ts";
import { createPublisher } from "../../functions/src/delivery/publisher.ts";
import { runBatch } from "../../functions/src/delivery/run-batch.ts";
import { sweepLane } from "../../functions/src/delivery/sweep.ts";
import type { SweepResult } from "../../functions/src/delivery/sweep.ts";
import { wakeParked } from "../../functions/src/delivery/wake-parked.ts";
import type { Woken } from "../../functions/src/delivery/wake-parked.ts";
import { toDeliveryWakeUp } from "../../functions/src/delivery/wake-up-messages.ts";
import type { BodyStore } from "../../functions/src/platform/body-store.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { MessagingError } from "../../functions/src/platform/messages.ts";
import type { OutgoingMessage, Sender } from "../../functions/src/platform/messages.ts";
import { TableError } from "../../functions/src/platform/table-store.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import type { Telemetry } from "../../functions/src/platform/telemetry.ts";
import type { DeliveryRequest, Outcome, Target } from "../../functions/src/targets/target.ts";
import type { FaultyPorts } from "./faulty-ports.ts";
import { numberedEvent } from "./numbered-event.ts";
import { MemoryBodyStore } from "./memory-body-store.ts";
import { MemoryTableStore } from "./memory-table-store.ts";

export const startOfTime = Date.parse("2026-11-24T12:00:00Z");

/** Stands still; sleeping moves it on at once. */
export class ManualClock implements Clock {
  #now = startOfTime;

  now(): number {
    return this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    // The batch's own time limit is not time that passes.
    if (signal !== undefined) return new Promise(() => undefined);
    this.#now += ms;
    return Promise.resolve();
  }

  to(instant: number): void {
    this.#now = Math.max(this.#now, instant);
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

/** One wait line for each entity; messages stay until their reader completes them. */
export class MemoryBroker implements Sender {
  readonly sent: { readonly entity: string; readonly message: OutgoingMessage }[] = [];
  readonly waiting = new Map<string, OutgoingMessage[]>();

  send(entity: string, messages: readonly OutgoingMessage[]): Promise<void> {
    for (const message of messages) {
      this.sent.push({ entity, message });
      this.waiting.set(entity, [...(this.waiting.get(entity) ?? []), message]);
    }
    return Promise.resolve();
  }

  /** The message that comes next; it stays. */
  next(entity: string): OutgoingMessage | undefined {
    const line = this.waiting.get(entity) ?? [];
    return [...line].sort((a, b) => (a.enqueueAt ?? 0) - (b.enqueueAt ?? 0))[0];
  }

  complete(entity: string, message: OutgoingMessage): void {
    const line = this.waiting.get(entity) ?? [];
    this.waiting.set(
      entity,
      line.filter((other) => other !== message),
    );
  }

  count(entity: string): number {
    return this.waiting.get(entity)?.length ?? 0;
  }
}

type Answer = Outcome | null | ((request: DeliveryRequest<CanonicalEvent>) => Outcome | null);

/** Answers from a list, then "delivered"; remembers what it was asked and what it did. */
export class ScriptedTarget implements Target<CanonicalEvent> {
  readonly name: string;
  readonly calls: DeliveryRequest<CanonicalEvent>[] = [];
  readonly questions: DeliveryRequest<CanonicalEvent>[] = [];
  readonly effects: string[] = [];
  answers: Answer[] = [];
  confirmations: Outcome[] = [];
  onCall: () => void = () => undefined;

  constructor(name: string) {
    this.name = name;
  }

  deliver(
    requests: readonly DeliveryRequest<CanonicalEvent>[],
  ): Promise<readonly (Outcome | null)[]> {
    this.onCall();
    return Promise.resolve(requests.map((request) => this.#answer(request)));
  }

  confirm(request: DeliveryRequest<CanonicalEvent>): Promise<Outcome> {
    this.onCall();
    this.questions.push(request);
    const found = this.effects.includes(request.body.effectkey);
    const truth: Outcome = found
      ? { kind: "delivered", reference: `ref-${request.body.effectkey}` }
      : { kind: "retry", code: "NOT_SENT", reason: "absent" };
    return Promise.resolve(this.confirmations.shift() ?? truth);
  }

  #answer(request: DeliveryRequest<CanonicalEvent>): Outcome | null {
    this.calls.push(request);
    const next = this.answers.shift();
    const outcome = typeof next === "function" ? next(request) : next;
    if (outcome === null) return null;
    const made = outcome ?? {
      kind: "delivered" as const,
      reference: `ref-${request.body.effectkey}`,
    };
    if (made.kind === "delivered") this.effects.push(request.body.effectkey);
    return made;
  }
}

export interface WorldOptions {
  readonly store?: TableStore;
  /** Every port of this world goes through them. */
  readonly faults?: FaultyPorts;
  readonly targetName?: string;
  readonly once?: boolean;
  readonly versioned?: boolean;
  readonly budget?: Budget;
  readonly settings?: PolicySettings;
  readonly skip?: string;
  readonly random?: () => number;
  readonly rememberMs?: number;
  readonly maxMessageBytes?: number;
  readonly clock?: ManualClock;
  readonly telemetry?: Telemetry;
  /** One process handles all messages, with what it remembers; else each comes to another one. */
  readonly isOneProcess?: boolean;
}

interface Ports {
  readonly store: TableStore;
  readonly sender: Sender;
  readonly bodies: BodyStore;
}

/** With what each port of ours throws when its other side is away. */
export function wrapPorts(faults: FaultyPorts | undefined, ports: Ports): Ports {
  if (faults === undefined) return ports;
  const { store, sender, bodies } = ports;
  return {
    bodies: faults.port("bodies", bodies, {
      failure: ({ label }) => new TableError("UNAVAILABLE", label),
    }),
    store: faults.port("store", store, {
      failure: ({ label }) => new TableError("UNAVAILABLE", label),
    }),
    sender: faults.port("sender", sender, {
      failure: ({ label }) => new MessagingError("MESSAGING_UNAVAILABLE", label),
    }),
  };
}

/** One target with everything around it, on simulated time. */
export class DeliveryWorld {
  readonly clock: ManualClock;
  readonly broker = new MemoryBroker();
  readonly memory = new MemoryTableStore();
  readonly blobs = new MemoryBodyStore();
  readonly target: ScriptedTarget;
  readonly entity = "integration-events";
  #options: WorldOptions;
  #kept: ReturnType<typeof createEngine> | undefined;
  store: TableStore;
  sender: Sender;
  bodies: BodyStore;
  ledger: Ledger;
  lane: Lane<CanonicalEvent>;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.clock = options.clock ?? new ManualClock();
    this.target = new ScriptedTarget(options.targetName ?? "ce");
    const { faults, store = this.memory } = options;
    const ports = wrapPorts(faults, { store, sender: this.broker, bodies: this.blobs });
    this.store = ports.store;
    this.sender = ports.sender;
    this.bodies = ports.bodies;
    this.ledger = this.#createLedger();
    this.lane = this.#createLane();
  }

  /** A new process: what was only in memory is gone. */
  restart(options: Partial<WorldOptions> = {}): void {
    this.#options = { ...this.#options, ...options };
    this.#kept = undefined;
    this.ledger = this.#createLedger();
    this.lane = this.#createLane();
  }

  /** Accepts and publishes events for the one target. */
  async accept(...events: readonly CanonicalEvent[]): Promise<void> {
    const intake = createIntakeLedger(this.ledger, this.clock);
    const results = await intake.accept(
      events.map((event) => ({
        event,
        targets: [{ name: this.target.name, initial: { state: "pending" } }],
        customerAccount: "US-001",
      })),
    );
    await createPublisher(this.sender, this.maxMessageBytes).publish(
      results.map(({ event, openTargets }) => ({ event, targets: openTargets })),
    );
  }

  get maxMessageBytes(): number {
    return this.#options.maxMessageBytes ?? 262_144;
  }

  /** Takes the next message, waiting for its time; completes it unless the work throws. */
  async step(): Promise<boolean> {
    const message = this.broker.next(this.entity);
    if (message === undefined) return false;
    await this.handle([message]);
    return true;
  }

  /** Hands messages over as the host does. */
  async handle(messages: readonly OutgoingMessage[], deliveryCount = 1): Promise<void> {
    for (const message of messages) this.clock.to(message.enqueueAt ?? 0);
    const random = this.#options.random ?? ((): number => 0.5);
    const on = { sender: this.sender, clock: this.clock, telemetry: silentTelemetry, random };
    const place = {
      name: "deliver",
      entity: this.entity,
      routing: { [`to_${this.target.name}`]: "1" },
    };
    const arrived = messages.map(({ body }) => ({
      body: JSON.parse(body) as CanonicalEvent,
      deliveryCount,
    }));
    await runBatch(on, place, arrived, (batch, signal) =>
      this.#engine().process(
        this.lane,
        batch.map(({ body, deliveryCount: count }) => ({
          ...toDeliveryWakeUp(this.target.name, body as CanonicalEvent),
          isRedelivered: count !== 1,
        })),
        signal,
      ),
    );
    for (const message of messages) this.broker.complete(this.entity, message);
  }

  /** Steps until no message is left; gives how many there were. */
  async settle(limit = 2_000): Promise<number> {
    let steps = 0;
    while (steps < limit && (await this.step())) steps += 1;
    return steps;
  }

  sweep(oldestActive: number | null = null): Promise<SweepResult> {
    const { ledger, sender, clock } = this;
    const random = this.#options.random ?? ((): number => 0.5);
    return sweepLane(
      {
        ledger,
        sender,
        clock,
        random,
        telemetry: silentTelemetry,
        oldestActive: () => Promise.resolve(oldestActive),
      },
      this.lane,
    );
  }

  async row(event: CanonicalEvent = numberedEvent()): Promise<DeliveryRow> {
    const id = { eventId: event.id, time: event.time, target: this.target.name };
    const [version] = await this.ledger.load([id], { fresh: true });
    if (version === undefined) throw new Error(`the ledger has no row for ${event.id}`);
    return version.row;
  }

  /** As an operator's replay does: one delivery, to the one target. */
  async replay(event: CanonicalEvent = numberedEvent()): Promise<void> {
    const row = await this.row(event);
    const [version] = await this.ledger.load([row], { fresh: true });
    if (version === undefined) return;
    const decision = onReplay(version.row, this.clock.now());
    await this.ledger.addOpen([decision.row]);
    const item = { ...version, hop: version.row.hop, body: event };
    await commit(this, this.lane, [{ item, decision }]);
  }

  openRows(): readonly string[] {
    return this.memory.rows("open").map((row) => row.rowKey);
  }

  /** As another instance has them: nothing cached. */
  gates(): Gates {
    return createGates(this.store, this.clock);
  }

  /** What the end of a pause does. */
  wakeParked(limitMs = 20_000): Promise<Woken> {
    const { ledger, sender, clock } = this;
    const random = this.#options.random ?? ((): number => 0.5);
    const on = { ledger, sender, clock, telemetry: silentTelemetry, random };
    return wakeParked(on, this.lane, clock.now() + limitMs);
  }

  #engine(): ReturnType<typeof createEngine> {
    if (this.#options.isOneProcess !== true) return this.#createEngine();
    this.#kept ??= this.#createEngine();
    return this.#kept;
  }

  #createEngine(): ReturnType<typeof createEngine> {
    const { clock, ledger, sender, store } = this;
    return createEngine({
      ledger,
      claims: createClaims(store),
      gates: this.gates(),
      budgets: createBudgets({
        store,
        clock,
        instances: 1,
        random: this.#options.random ?? ((): number => 0.5),
      }),
      sender,
      clock,
      telemetry: this.#options.telemetry ?? silentTelemetry,
      random: this.#options.random ?? ((): number => 0.5),
    });
  }

  #createLedger(): Ledger {
    const { rememberMs } = this.#options;
    const { store, clock } = this;
    const { bodies } = this;
    return new Ledger({
      store,
      bodies,
      clock,
      ...(rememberMs === undefined ? {} : { rememberMs }),
    });
  }

  #createLane(): Lane<CanonicalEvent> {
    const { settings = defaultSettings, skip, once = false, budget = {} } = this.#options;
    const { versioned = false } = this.#options;
    return createTargetLane({
      target:
        this.#options.faults?.port<Target<CanonicalEvent>>("target", this.target) ?? this.target,
      ledger: this.ledger,
      maxMessageBytes: this.maxMessageBytes,
      budget,
      once,
      isVersioned: () => versioned,
      resolve: () => (skip === undefined ? { retry: settings } : { skip }),
    });
  }
}
