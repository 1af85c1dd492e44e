import { Ledger } from "../../functions/src/delivery/ledger.ts";
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { createIntakeLedger } from "../../functions/src/delivery/intake-ledger.ts";
import { createIntakeLane } from "../../functions/src/delivery/create-lane.ts";
import type { AcceptTarget } from "../../functions/src/delivery/ledger-port.ts";
import type { FinanceClient } from "../../functions/src/dynamics/finance-client.ts";
import type { LoadedFlow } from "../../functions/src/flows/load-flows.ts";
import { createSchemaSet } from "../../functions/src/flows/schema-set.ts";
import { parseBusinessEvent } from "../../functions/src/intake/parse-business-event.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import type { Sender } from "../../functions/src/platform/messages.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";
import { silentTelemetry } from "../../functions/src/platform/telemetry.ts";
import type { Telemetry } from "../../functions/src/platform/telemetry.ts";
import { createFailureStore } from "../../functions/src/recovery/failure-store.ts";
import { recordFailures } from "../../functions/src/recovery/record-failure.ts";
import type {
  ReplayJob,
  ReplayOptions,
  Selection,
} from "../../functions/src/recovery/replay/replay-job.ts";
import { toNewReplay } from "../../functions/src/recovery/replay/replay-job.ts";
import { createReplayStore, toReplayId } from "../../functions/src/recovery/replay/replay-store.ts";
import { runReplay } from "../../functions/src/recovery/replay/run-replay.ts";
import type { RunnerDependencies } from "../../functions/src/recovery/replay/run-replay.ts";
import type { Outcome } from "../../functions/src/targets/target.ts";
import { DeliveryWorld } from "./delivery-world.ts";
import type { WorldOptions } from "./delivery-world.ts";
import { numberedEvent } from "./numbered-event.ts";

const schemas = createSchemaSet();
const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "the row is paid" };

interface RunnerPorts {
  readonly store: TableStore;
  readonly sender: Sender;
  /** Delivery's own, where the runner is in its process. */
  readonly ledger: Ledger;
}

/** Failed deliveries of one target, and runners that replay them while the target works on. */
export class ReplayWorld {
  readonly delivery: DeliveryWorld;
  readonly failures;
  readonly replays;
  readonly #limits: { readonly at: number; readonly ring: () => void }[] = [];
  finance: FinanceClient = noFinance;
  flows: readonly LoadedFlow[] = [];
  telemetry: Telemetry = silentTelemetry;

  constructor(options: WorldOptions = {}) {
    this.delivery = new DeliveryWorld(options);
    this.failures = createFailureStore(this.delivery.memory, this.delivery.clock);
    this.replays = createReplayStore(this.delivery.memory);
  }

  /** Accepts `count` events whose deliveries the target refuses, each with its failure. */
  async fail(count: number): Promise<void> {
    for (let n = 1; n <= count; n += 1) this.delivery.target.answers.push(refusal);
    await this.delivery.accept(
      ...Array.from({ length: count }, (_each, index) => numberedEvent(index + 1)),
    );
    await this.work();
  }

  /** Accepted and published before the target was part of its flow, or when a rule said no. */
  async publishToNobody(event: CanonicalEvent, rule?: string): Promise<void> {
    const { clock, ledger } = this.delivery;
    const { name } = this.delivery.target;
    const targets: readonly AcceptTarget[] =
      rule === undefined ? [] : [{ name, initial: { state: "skipped", rule } }];
    const [accepted] = await createIntakeLedger(ledger, clock, silentTelemetry).accept([
      { event, targets, customerAccount: "US-001" },
    ]);
    const id = { eventId: event.id, time: event.time, target: "intake" };
    const [version] = await ledger.load([id], { fresh: true });
    if (accepted === undefined || version === undefined) throw new Error("it was not accepted");
    const row = { ...version.row, state: "published" as const };
    await ledger.save([{ row, etag: version.etag }]);
  }

  /** Everything that waits is delivered, and what failed is recorded, as the functions do. */
  async work(): Promise<void> {
    const { broker, clock, ledger } = this.delivery;
    await this.delivery.settle();
    for (;;) {
      const message = broker.next("dead-letters");
      if (message === undefined) return;
      const letter = { body: JSON.parse(message.body) as unknown, properties: {}, source: null };
      await recordFailures(
        {
          ledger,
          failures: this.failures,
          clock,
          telemetry: silentTelemetry,
          identify: () => null,
          flowOf: () => "",
        },
        [letter],
      );
      broker.complete("dead-letters", message);
    }
  }

  async begin(
    selection: Selection = { kind: "all" },
    options: Partial<ReplayOptions> = {},
  ): Promise<ReplayJob> {
    const now = this.delivery.clock.now();
    const job = toNewReplay({
      id: toReplayId(now),
      selection,
      options: {
        asStored: true,
        perSecond: 1_000,
        steps: [1, 10, 100],
        stopShare: 0.1,
        ...options,
      },
      reason: "mended",
      by: "anna",
      byId: "p-anna",
      createdAt: now,
    });
    await this.replays.create(job);
    return job;
  }

  /** Time goes by while somebody is at work; whoever has a limit is told when it is reached. */
  async pass(ms: number): Promise<void> {
    this.delivery.clock.advance(ms);
    const now = this.delivery.clock.now();
    for (const { at, ring } of this.#limits) if (at <= now) ring();
    for (let turn = 0; turn < 3; turn += 1) await Promise.resolve();
  }

  /** A runner in a process of its own; while it sleeps the target works. */
  async run(
    id: string,
    { forMs = 240_000, ...ports }: Partial<RunnerPorts> & { readonly forMs?: number } = {},
  ): Promise<boolean> {
    const clock: Clock = {
      now: () => this.delivery.clock.now(),
      sleep: async (ms, signal) => {
        // A limit on what is done meanwhile is not time that passes.
        if (signal !== undefined) return this.#limit(ms);
        await this.work();
        await this.pass(ms);
      },
    };
    return runReplay(this.runner(clock, ports), id, {
      until: clock.now() + forMs,
      patienceMs: 30_000,
    });
  }

  #limit(ms: number): Promise<void> {
    return new Promise((ring) => {
      this.#limits.push({ at: this.delivery.clock.now() + ms, ring });
    });
  }

  async job(id: string): Promise<ReplayJob> {
    const job = await this.replays.get(id);
    if (job === undefined) throw new Error(`there is no replay ${id}`);
    return job;
  }

  runner(
    clock: Clock,
    {
      store = this.delivery.memory,
      sender = this.delivery.broker,
      ledger = new Ledger({ store, clock, rememberMs: 0, bodies: this.delivery.blobs }),
    }: Partial<RunnerPorts>,
  ): RunnerDependencies {
    const { lane, maxMessageBytes } = this.delivery;
    const parse = (body: unknown) =>
      parseBusinessEvent(body, {
        schemas,
        knownEvents: ["CustFreeTextInvoicePostedBusinessEvent", "SalesInvoicePostedBusinessEvent"],
      });
    const target = { name: "intake", deliver: () => Promise.resolve([]) };
    return {
      store,
      failures: createFailureStore(store, clock),
      replays: createReplayStore(store),
      ledger,
      sender,
      clock,
      telemetry: this.telemetry,
      intake: createIntakeLane({ target, ledger, maxMessageBytes, flowOf: () => "" }),
      targets: new Map([[lane.target.name, lane]]),
      parse,
      finance: this.finance,
      flows: this.flows,
      schemas,
      defaultDoor: "main",
      flowHasTarget: () => true,
    };
  }
}

const noFinance: FinanceClient = new Proxy({} as FinanceClient, {
  get: () => () => Promise.reject(new Error("F&O is not part of this test")),
});
