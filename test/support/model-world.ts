/*
 * Several instances of the function app on one ledger, one broker and one target, each with its own clock,
 * memory and faults. Messages are never deduplicated; they stay until their reader completes them, and
 * may be doubled or lost. What the target really did is known here and nowhere else.
 */
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { createBudgets } from "../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../functions/src/delivery/claims.ts";
import { commit } from "../../functions/src/delivery/commit.ts";
import { createTargetLane } from "../../functions/src/delivery/create-lane.ts";
import { createEngine } from "../../functions/src/delivery/engine.ts";
import { createGates } from "../../functions/src/delivery/gates.ts";
import { createIntakeLedger } from "../../functions/src/delivery/intake-ledger.ts";
import { Ledger } from "../../functions/src/delivery/ledger.ts";
import type { DeliveryRow } from "../../functions/src/delivery/ledger-rows.ts";
import { onReplay } from "../../functions/src/delivery/on-replay.ts";
import { defaultSettings } from "../../functions/src/delivery/policy.ts";
import { createPublisher } from "../../functions/src/delivery/publisher.ts";
import { runBatch } from "../../functions/src/delivery/run-batch.ts";
import { sweepLane } from "../../functions/src/delivery/sweep.ts";
import {
  isCanonicalEvent,
  toDeliveryWakeUp,
} from "../../functions/src/delivery/wake-up-messages.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { MessagingError } from "../../functions/src/platform/messages.ts";
import type { OutgoingMessage } from "../../functions/src/platform/messages.ts";
import { TableError } from "../../functions/src/platform/table-store.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import { createFailureStore } from "../../functions/src/recovery/failure-store.ts";
import { recordFailures } from "../../functions/src/recovery/record-failure.ts";
import type { DeliveryRequest, Outcome, Target } from "../../functions/src/targets/target.ts";
import { ManualClock, MemoryBroker, wrapPorts } from "./delivery-world.ts";
import { FaultyPorts, Killed, noFaults, seededRandom } from "./faulty-ports.ts";
import { MemoryBodyStore } from "./memory-body-store.ts";
import { MemoryTableStore } from "./memory-table-store.ts";

const entity = "integration-events";
const targetName = "email";

export interface ModelOptions {
  readonly once: boolean;
  /** Of each instance's clock against the true time, in ms. */
  readonly skews: readonly number[];
  readonly seed: number;
  readonly rememberMs: number;
}

interface TargetCall {
  readonly at: number;
  /** The gate was known to be closed for everybody. */
  readonly inOutage: boolean;
}

/** Answers what it is told, else that it is done; knows what it really did. */
export class TrueTarget implements Target<CanonicalEvent> {
  readonly name = targetName;
  readonly effects: string[] = [];
  readonly calls: TargetCall[] = [];
  /** For the next calls and questions; a throw is a fault of the target's own code. */
  answer: Outcome | null | "thrown" = null;
  /** Whether an answer that says nothing stands behind an effect. */
  isMade = false;
  isScripted = false;
  /** Happens while the next call is under way. */
  during: (() => Promise<void>) | null = null;
  onCall: () => TargetCall = () => ({ at: 0, inOutage: false });

  async deliver(
    requests: readonly DeliveryRequest<CanonicalEvent>[],
  ): Promise<readonly (Outcome | null)[]> {
    const { during } = this;
    this.during = null;
    // A call counts from its beginning: what is found while it is under way makes no probe of it.
    const call = this.onCall();
    await during?.();
    return requests.map((request) => this.#deliver(request, call));
  }

  confirm(request: DeliveryRequest<CanonicalEvent>): Promise<Outcome> {
    this.calls.push(this.onCall());
    const { answer } = this;
    const isNoAnswer =
      this.isScripted &&
      answer !== null &&
      answer !== "thrown" &&
      (answer.kind === "unsure" || (answer.kind === "retry" && answer.unreachable === true));
    if (isNoAnswer) return Promise.resolve(answer);
    const { effectkey } = request.body;
    return Promise.resolve(
      this.effects.includes(effectkey)
        ? { kind: "delivered", reference: effectkey }
        : { kind: "retry", code: "NOT_MADE", reason: "surely absent" },
    );
  }

  #deliver({ body }: DeliveryRequest<CanonicalEvent>, call: TargetCall): Outcome | null {
    const { effectkey } = body;
    const answer: Outcome | null | "thrown" = this.isScripted
      ? this.answer
      : { kind: "delivered", reference: effectkey };
    if (answer === null) return null;
    this.calls.push(call);
    const isSilent = answer === "thrown" || answer.kind === "unsure";
    if (isSilent ? this.isMade : answer.kind === "delivered") this.effects.push(effectkey);
    if (answer === "thrown") throw new TypeError("the target's own fault");
    return answer;
  }
}

/** One process of the app. */
class Instance {
  readonly faults = new FaultyPorts();
  readonly clock: Clock;
  readonly #world: ModelWorld;
  readonly #random: () => number;
  #parts: ReturnType<Instance["start"]>;

  constructor(world: ModelWorld, skewMs: number, random: () => number) {
    this.#world = world;
    this.#random = random;
    const { clock } = world;
    this.clock = {
      now: () => clock.now() + skewMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    this.#parts = this.start();
  }

  get parts(): ReturnType<Instance["start"]> {
    return this.#parts;
  }

  /** What was only in memory is gone. */
  restart(): void {
    this.faults.revive();
    this.#parts = this.start();
  }

  start() {
    const { clock, faults } = this;
    const { options, target } = this.#world;
    const { store, sender, bodies } = wrapPorts(faults, {
      store: withTurns(this.#world.memory, this.#random),
      sender: this.#world.broker,
      bodies: this.#world.blobs,
    });
    const ledger = new Ledger({ store, bodies, clock, rememberMs: options.rememberMs });
    const lane = createTargetLane({
      target: faults.port<Target<CanonicalEvent>>("target", target),
      ledger,
      maxMessageBytes: 262_144,
      budget: { perHour: hourlyLimit },
      once: options.once,
      isVersioned: () => false,
      resolve: () => ({ retry: defaultSettings }),
    });
    const common = { ledger, sender, clock, telemetry: silentTelemetry, random: this.#random };
    const engine = createEngine({
      ...common,
      claims: createClaims(store),
      gates: createGates(store, clock),
      budgets: createBudgets({ store, clock, instances: 1, random: this.#random }),
    });
    const failures = createFailureStore(store, clock);
    return { ...common, store, lane, engine, failures };
  }
}

export const hourlyLimit = 3;

export class ModelWorld {
  readonly clock = new ManualClock();
  readonly memory = new MemoryTableStore();
  readonly blobs = new MemoryBodyStore();
  readonly broker = new MemoryBroker();
  readonly target = new TrueTarget();
  readonly accepted = new Map<string, CanonicalEvent>();
  /** Events whose own message is completed; the others' comes again. */
  readonly published = new Set<string>();
  readonly options: ModelOptions;
  readonly #instances: readonly Instance[];

  constructor(options: ModelOptions) {
    this.options = options;
    const random = seededRandom(options.seed);
    this.#instances = options.skews.map((skew) => new Instance(this, skew, random));
    this.target.onCall = () => ({ at: this.clock.now(), inOutage: this.#isInOutage() });
  }

  instance(index: number): Instance {
    const found = this.#instances[index % this.#instances.length];
    if (found === undefined) throw new RangeError("there is no instance");
    return found;
  }

  async accept(event: CanonicalEvent, on: Instance): Promise<void> {
    this.accepted.set(event.id, event);
    const { ledger, sender, clock } = on.parts;
    const initial = { state: "pending" } as const;
    const items = [{ event, targets: [{ name: targetName, initial }], customerAccount: "US-001" }];
    const results = await createIntakeLedger(ledger, clock).accept(items);
    await createPublisher(sender, 262_144).publish(
      results.map((result) => ({ event: result.event, targets: result.openTargets })),
    );
    this.published.add(event.id);
  }

  waiting(): readonly OutgoingMessage[] {
    return this.broker.waiting.get(entity) ?? [];
  }

  /** As the host does: the messages come back unless the work returns. */
  async handle(messages: readonly OutgoingMessage[], on: Instance, count = 1): Promise<void> {
    for (const { enqueueAt } of messages) this.clock.to(enqueueAt ?? 0);
    const { lane, engine } = on.parts;
    const place = { name: "deliver", entity, routing: { [`to_${targetName}`]: "1" } };
    const arrived = messages.map(({ body }) => ({
      body: JSON.parse(body) as CanonicalEvent,
      deliveryCount: count,
    }));
    await runBatch(on.parts, place, arrived, (batch, signal) => {
      const bodies = batch.map(({ body }) => body).filter(isCanonicalEvent);
      const wakeUps = bodies.map((body) => toDeliveryWakeUp(targetName, body));
      return engine.process(lane, wakeUps, signal);
    });
    for (const message of messages) this.broker.complete(entity, message);
  }

  async sweep(on: Instance): Promise<void> {
    const oldestActive = (): Promise<null> => Promise.resolve(null);
    await sweepLane({ ...on.parts, oldestActive }, on.parts.lane);
  }

  async recordFailures(on: Instance): Promise<void> {
    const letters = this.broker.waiting.get("dead-letters") ?? [];
    const found = letters.map(({ body, properties }) => ({
      body: JSON.parse(body) as unknown,
      properties,
      source: null,
    }));
    await recordFailures({ ...on.parts, identify: () => null, flowOf: () => "" }, found);
    for (const letter of letters) this.broker.complete("dead-letters", letter);
  }

  /** One failed delivery begins anew; false when it has not failed. */
  async replay(event: CanonicalEvent, on: Instance): Promise<boolean> {
    const { ledger, lane, clock } = on.parts;
    const [version] = await ledger.load([this.#idOf(event)], { fresh: true });
    if (version?.row.state !== "failed") return false;
    const decision = onReplay(version.row, clock.now());
    await ledger.addOpen([decision.row]);
    const item = { ...version, hop: version.row.hop, body: event };
    await commit(on.parts, lane, [{ item, decision }]);
    return true;
  }

  /** Past every fault: what the ledger says. */
  async row(event: CanonicalEvent): Promise<DeliveryRow | undefined> {
    const { memory: store, blobs: bodies, clock } = this;
    const ledger = new Ledger({ store, bodies, clock, rememberMs: 0 });
    const [version] = await ledger.load([this.#idOf(event)], { fresh: true });
    return version?.row;
  }

  /** Runs it; a process that died, or threw, leaves its message where it was. */
  async survive(on: Instance, work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const isTold = [Killed, TableError, MessagingError].some((kind) => error instanceof kind);
      if (!isTold) throw error;
    }
    if (on.faults.isDead) on.restart();
  }

  /** A planned fault that no call has met is over with its step. */
  disarm(): void {
    for (const { faults } of this.#instances) faults.plan = noFaults;
  }

  #idOf({ id, time }: CanonicalEvent): { eventId: string; time: string; target: string } {
    return { eventId: id, time, target: targetName };
  }

  /** Longer than an instance may believe what it has cached. */
  #isInOutage(): boolean {
    const [gate] = this.memory.rows("gates").filter(({ rowKey }) => rowKey === "gate");
    const since = Date.parse(String(gate?.columns["since"] ?? ""));
    return gate?.columns["state"] === "outage" && this.clock.now() - since > 6_000;
  }
}

/** Each call waits a few turns before its effect, so that concurrent work meets in every order. */
export function withTurns<Store extends TableStore>(store: Store, random: () => number): Store {
  return new Proxy(store, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return async (...args: unknown[]) => {
        for (let turns = Math.floor(random() * 6); turns > 0; turns -= 1) await Promise.resolve();
        return Reflect.apply(value, target, args) as unknown;
      };
    },
  });
}
