import { describe, expect, it } from "@jest/globals";
import { createBudgets } from "../../../../functions/src/delivery/budgets.ts";
import { createClaims } from "../../../../functions/src/delivery/claims.ts";
import { createIntakeLane } from "../../../../functions/src/delivery/create-lane.ts";
import { createEngine } from "../../../../functions/src/delivery/engine.ts";
import { createGates } from "../../../../functions/src/delivery/gates.ts";
import {
  isIntakeEnvelope,
  toFirstIntakeWakeUp,
  toIntakeWakeUp,
} from "../../../../functions/src/delivery/wake-up-messages.ts";
import type { Sender } from "../../../../functions/src/platform/messages.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import { discardFailures } from "../../../../functions/src/recovery/discard-failures.ts";
import type { FailureStatus, StoredFailure } from "../../../../functions/src/recovery/failure.ts";
import { findFailures } from "../../../../functions/src/recovery/find-failures.ts";
import { recordFailures } from "../../../../functions/src/recovery/record-failure.ts";
import type { ReplayJob } from "../../../../functions/src/recovery/replay/replay-job.ts";
import type { Outcome } from "../../../../functions/src/targets/target.ts";
import { salesInvoicePosted } from "../../../support/business-event.ts";
import { ReplayWorld } from "../../../support/replay-world.ts";

const notFound: Outcome = {
  kind: "reject",
  code: "SOURCE_NOT_FOUND",
  reason: "CustInvoiceJour has no row for the document",
};

/** Event Grid's dead letters, an intake that answers as it is told, and replays that send to it. */
class UndeliveredWorld {
  readonly replays = new ReplayWorld();
  readonly on = this.replays.runner(this.replays.delivery.clock, {});
  answers: Outcome[] = [];

  /** Event Grid's dead letter is found. */
  async giveUp(): Promise<void> {
    const properties = { code: "EVENT_GRID_UNDELIVERED", reason: "Unauthorized" };
    const letter = { body: salesInvoicePosted, properties, source: "event-grid" };
    const { clock, failures, ledger } = this.on;
    await recordFailures(
      {
        ...{ clock, failures, ledger, telemetry: silentTelemetry },
        identify: (body) => this.#identify(body),
        flowOf: () => "invoice-posted",
      },
      [letter],
    );
  }

  /** The event comes to intake, by whatever door. */
  async arrive(body: unknown = salesInvoicePosted): Promise<void> {
    const { clock, ledger } = this.on;
    const { broker: sender, memory: store, maxMessageBytes } = this.replays.delivery;
    const target = {
      name: "intake",
      deliver: (requests: readonly unknown[]) =>
        Promise.resolve(requests.map(() => this.answers.shift() ?? published)),
    };
    const engine = createEngine({
      ...{ ledger, sender, clock, telemetry: silentTelemetry, random: () => 0.5 },
      claims: createClaims(store),
      gates: createGates(store, clock),
      budgets: createBudgets({ store, clock, instances: 1, random: () => 0.5 }),
    });
    const lane = createIntakeLane({ target, ledger, maxMessageBytes, flowOf: () => "" });
    const wakeUp = isIntakeEnvelope(body)
      ? toIntakeWakeUp(body)
      : toFirstIntakeWakeUp(this.#identify(body), body);
    await engine.process(lane, [wakeUp], new AbortController().signal);
    await this.replays.work();
  }

  /** Everything that is open. */
  async replay(): Promise<ReplayJob> {
    const { broker } = this.replays.delivery;
    const sender: Sender = {
      send: async (entity, messages) => {
        if (entity !== "business-events") return broker.send(entity, messages);
        for (const { body } of messages) await this.arrive(JSON.parse(body) as unknown);
      },
    };
    const { id } = await this.replays.begin({ kind: "all" }, { stopShare: 1 });
    await this.replays.run(id, { sender });
    return this.replays.job(id);
  }

  async list(status: FailureStatus): Promise<readonly StoredFailure[]> {
    const { failures } = await findFailures(this.on.failures, { status }, { limit: 10 });
    const stored = await Promise.all(
      failures.map(({ failureId, target }) => this.on.failures.get(target, failureId)),
    );
    return stored.filter((each) => each !== undefined);
  }

  #identify(body: unknown): { readonly eventId: string; readonly time: string } {
    const parsed = this.on.parse(body);
    if (parsed.kind === "invoice") return parsed.event;
    throw new Error("that is no business event");
  }
}

const published: Outcome = { kind: "delivered", reference: "published" };

describe("an event that Event Grid gave up before intake saw it", () => {
  it("an event that fails at intake has an open failure, also when its undelivered copy was discarded", async () => {
    const world = new UndeliveredWorld();
    await world.giveUp();
    await discardFailures(world.on, await world.list("open"), "sent twice, it seemed");
    world.answers = [notFound];
    await world.arrive();
    const [open, ...others] = await world.list("open");
    expect(open).toMatchObject({ code: "SOURCE_NOT_FOUND", stage: "intake", owner: "finance" });
    expect(others).toEqual([]);
    const { eventId = "", failureId, time = "" } = open ?? {};
    const [version] = await world.on.ledger.load([{ eventId, time, target: "intake" }]);
    expect(version?.row).toMatchObject({ state: "failed", failureId });
    expect(await world.list("discarded")).toMatchObject([{ code: "EVENT_GRID_UNDELIVERED" }]);
  });

  it("what intake refuses after the replay of an undelivered event is listed with intake's code", async () => {
    const world = new UndeliveredWorld();
    await world.giveUp();
    world.answers = [notFound];
    expect(await world.replay()).toMatchObject({ ended: { failedAgain: 1 } });
    const [undelivered] = await world.list("replaced");
    const [open, ...others] = await world.list("open");
    expect(others).toEqual([]);
    expect(open).toMatchObject({
      code: "SOURCE_NOT_FOUND",
      fixIn: "F&O",
      replaces: undelivered?.failureId,
    });
    expect(undelivered).toMatchObject({
      code: "EVENT_GRID_UNDELIVERED",
      replacedBy: open?.failureId,
    });
    expect(await world.replay()).toMatchObject({ ended: { delivered: 1 } });
    expect(await world.list("open")).toEqual([]);
    expect(await world.list("resolved")).toMatchObject([{ code: "SOURCE_NOT_FOUND" }]);
  });

  it("is closed by the replay that intake takes it from", async () => {
    const world = new UndeliveredWorld();
    await world.giveUp();
    expect(await world.replay()).toMatchObject({ state: "done", ended: { delivered: 1 } });
    expect(await world.list("open")).toEqual([]);
    expect(await world.list("resolved")).toMatchObject([{ code: "EVENT_GRID_UNDELIVERED" }]);
  });

  it("is replaced when it comes by another door and fails, and is one open failure", async () => {
    const world = new UndeliveredWorld();
    await world.giveUp();
    world.answers = [notFound];
    await world.arrive();
    expect(await world.list("open")).toMatchObject([{ code: "SOURCE_NOT_FOUND" }]);
    const [open] = await world.list("open");
    expect(await world.list("replaced")).toMatchObject([{ replacedBy: open?.failureId }]);
  });

  it("is closed by its replay when it has come and was published meanwhile", async () => {
    const world = new UndeliveredWorld();
    await world.giveUp();
    await world.arrive();
    expect(await world.replay()).toMatchObject({ ended: { delivered: 1 } });
    expect(await world.list("open")).toEqual([]);
  });
});
