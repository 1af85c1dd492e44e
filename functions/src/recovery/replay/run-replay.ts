/*
 * The runner: whoever holds a job's lease plans it, sends a step, follows its deliveries until they have
 * settled, looks at how many failed again, and goes on with the next step (states: replay-job.ts). Everything
 * it knows is written down before the next thing is done (keep-job.ts), so it may be killed at any moment: the
 * next runner takes the lease when it has run out and finds the job where it was.
 */
import { randomUUID } from "node:crypto";
import { asError } from "../../platform/causeway-error.ts";
import { isConflict } from "../../platform/table-store.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import { countItems, replaceItems } from "./count-items.ts";
import { KeptJob } from "./keep-job.ts";
import type { KeepDependencies } from "./keep-job.ts";
import { isEnded } from "./replay-job.ts";
import type { ReplayItem, ReplayJob, ReplayStep } from "./replay-job.ts";
import type { HeldJob } from "./replay-store.ts";
import { selectDeliveries } from "./select-deliveries.ts";
import type { Candidate, SelectDependencies } from "./select-deliveries.ts";
import { ItemSender } from "./send-items.ts";
import { watchItems } from "./watch-items.ts";
import type { HowToLook } from "./watch-items.ts";

export interface RunnerDependencies extends KeepDependencies, SelectDependencies {
  readonly telemetry: Telemetry;
}

export interface RunLimits {
  /** Epoch ms: begin nothing after it. */
  readonly until: number;
  /** Comes back when nothing has settled for so long; the timer calls again. */
  readonly patienceMs: number;
}

/** Looking costs a read for each delivery under way. */
const lookEveryMs = 1_000;
const lookAtAllEveryMs = 5_000;
const recallEveryMs = 100;

/** Works on a job as long as there is something to do for it; true when it needs nobody any more. */
export async function runReplay(
  on: RunnerDependencies,
  id: string,
  limits: RunLimits,
): Promise<boolean> {
  const owner = randomUUID();
  const held = await on.replays.take(id, owner, on.clock.now());
  if (held === undefined) return false;
  const runner = new Runner(on, held, owner, limits);
  try {
    return await runner.run();
  } catch (error) {
    // The lease was lost: somebody else goes on from what is written.
    if (isConflict(error)) return false;
    on.telemetry.error(asError(error), { name: "replay", replayId: id });
    throw error;
  }
}

class Runner {
  readonly #on: RunnerDependencies;
  readonly #limits: RunLimits;
  readonly #kept: KeptJob;
  readonly #sender: ItemSender;
  /** When the ledger was last asked how deliveries have ended. */
  #lookedAt = 0;
  #lookedAtAllAt = 0;
  /** Some have settled since the ledger was asked before that. */
  #hasSettled = false;

  constructor(on: RunnerDependencies, held: HeldJob, owner: string, limits: RunLimits) {
    this.#on = on;
    this.#limits = limits;
    this.#kept = new KeptJob(on, held, owner);
    const look = (items: readonly ReplayItem[]): Promise<readonly ReplayItem[]> =>
      this.#look(items);
    this.#sender = new ItemSender(on, this.#kept, { until: limits.until, look });
  }

  get #job(): ReplayJob {
    return this.#kept.job;
  }

  async run(): Promise<boolean> {
    while (this.#hasTime()) {
      await this.#obey();
      if (isEnded(this.#job.state) && !this.#job.isFollowed) break;
      if (this.#job.state === "planning") await this.#plan();
      else await this.#step();
      if (this.#job.state === "paused" && !this.#isUnderWay()) break;
    }
    const isOver = isEnded(this.#job.state) && !this.#job.isFollowed;
    if (isOver) await this.#on.replays.finish(this.#job.id);
    await this.#kept.release();
    return isOver;
  }

  #isUnderWay(): boolean {
    return (this.#job.steps.at(-1)?.underWay ?? 0) > 0;
  }

  #hasTime(): boolean {
    const now = this.#on.clock.now();
    return now < this.#limits.until && now - this.#kept.changedAt < this.#limits.patienceMs;
  }

  /** Does what people want of it by now. */
  async #obey(): Promise<void> {
    const { state } = this.#job;
    if (isEnded(state)) return;
    const wish = await this.#on.replays.wish(this.#job.id);
    if (wish === "cancel") await this.#kept.end("cancelled", "a person cancelled it");
    else if (wish === "pause" && state !== "paused") await this.#kept.save({ state: "paused" });
    else if (wish === "run" && state === "paused") {
      await this.#kept.save({ state: this.#job.planCursor === null ? "running" : "planning" });
    }
  }

  async #plan(): Promise<void> {
    const { id, planCursor, selection, total: before } = this.#job;
    const cursor = planCursor === "" ? null : planCursor;
    const page = await selectDeliveries(this.#on, selection, cursor);
    const items = page.candidates.map((candidate, index) => toItem(candidate, before + index));
    // Items are written over, whoever they are of: only by whom the job is still held, for the next seconds too.
    await this.#kept.save({});
    await this.#on.replays.addItems(id, items);
    const total = before + items.length;
    if (page.cursor !== null) await this.#kept.save({ total, planCursor: page.cursor });
    else await this.#kept.save({ total, planCursor: null, state: "running" });
    this.#kept.tellChange();
  }

  /** One round of the step under way. */
  async #step(): Promise<void> {
    const { planCursor, position, total } = this.#job;
    if (position >= total) {
      // Paused while it was planned: there is nothing to follow yet.
      if (planCursor === null) await this.#kept.finish();
      return;
    }
    const step =
      this.#kept.openStep ??
      (this.#job.state === "running" ? await this.#kept.beginStep() : undefined);
    // Paused between two steps.
    if (step === undefined) return;
    let left = await this.#kept.items(step);
    if (this.#job.state === "running") left = await this.#send(left, step);
    left = await this.#follow(left, step);
    const counts = countItems(left);
    const hasEnded = isEnded(this.#job.state);
    // Paused too: what fails meanwhile must not be passed over by going on.
    if (!hasEnded && this.#kept.mustStop(counts, step)) await this.#kept.stop(counts, step);
    else if (counts.underWay === 0 && (counts.planned === 0 || hasEnded)) {
      await this.#kept.endStep(counts, step);
    }
  }

  /** What was sent before, by whomever, is judged before more is. */
  async #send(items: readonly ReplayItem[], step: ReplayStep): Promise<readonly ReplayItem[]> {
    const left = await this.#look(items);
    const counts = countItems(left);
    if (this.#kept.mustStop(counts, step)) return left;
    // What is sent now cannot have ended yet.
    if (counts.underWay === 0) this.#noteLook("all", true);
    return this.#sender.send(left, step);
  }

  /** Until all have settled, some have and there is more to send, or it is time to see what people want. */
  async #follow(items: readonly ReplayItem[], step: ReplayStep): Promise<readonly ReplayItem[]> {
    const before = countItems(items);
    if (before.underWay === 0) return items;
    let left = await this.#look(items);
    const isSending = before.planned > 0 && this.#job.state === "running";
    const until = this.#on.clock.now() + lookEveryMs;
    for (;;) {
      const { underWay } = countItems(left);
      const isEnough = underWay === 0 || (isSending && underWay < before.underWay);
      if (isEnough || this.#on.clock.now() >= until) break;
      await this.#on.clock.sleep(recallEveryMs);
      left = await this.#look(left);
    }
    await this.#kept.saveStep(countItems(left), step);
    return left;
  }

  /**
   * What this process delivered it knows, except how others failed; for the rest it has to read, and now and then is
   * soon enough to stop. Failures may stand behind deliveries that wait, so all are read now and then too.
   */
  async #look(items: readonly ReplayItem[]): Promise<readonly ReplayItem[]> {
    const sent = items.filter(({ state }) => state === "sent");
    if (sent.length === 0) return items;
    const how = this.#howToLook();
    const { settled, waitingFor } = await watchItems(this.#on, sent, how);
    this.#noteLook(how, settled.length > 0);
    await this.#kept.saveItems(settled);
    const waiting = sent.length - settled.length;
    if (how !== "none" && !isEnded(this.#job.state)) {
      this.#kept.note =
        waiting === 0 ? "" : `${waiting} under way: ${waitingFor.slice(0, 3).join(", ")}`;
    }
    return replaceItems(items, settled);
  }

  #howToLook(): HowToLook {
    const now = this.#on.clock.now();
    if (now - this.#lookedAt < lookEveryMs) return "none";
    return this.#hasSettled && now - this.#lookedAtAllAt < lookAtAllEveryMs ? "first" : "all";
  }

  #noteLook(how: HowToLook, hasSettled: boolean): void {
    const now = this.#on.clock.now();
    this.#hasSettled = hasSettled || (how === "none" && this.#hasSettled);
    if (how !== "none") this.#lookedAt = now;
    if (how === "all") this.#lookedAtAllAt = now;
  }
}

function toItem(candidate: Candidate, number: number): ReplayItem {
  const { target, failureId, failure, eventId, time, businessKey } = candidate;
  return {
    ...{ number, target, failureId, failure, eventId, time, businessKey },
    isRepair: false,
    settledAt: null,
    state: "planned",
    generation: -1,
    outcome: "",
    changes: [],
  };
}
