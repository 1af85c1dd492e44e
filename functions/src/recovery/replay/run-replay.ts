/*
 * The runner: whoever holds a job's lease plans it, sends a step, follows its deliveries until they have
 * settled, looks at how many failed again, and goes on with the next step (states: replay-job.ts). Everything
 * it knows is written down before the next thing is done, so it may be killed at any moment: the next runner
 * takes the lease when it has run out and finds the job where it was.
 */
import { randomUUID } from "node:crypto";
import { asError } from "../../platform/causeway-error.ts";
import { MessagingError } from "../../platform/messages.ts";
import { isConflict } from "../../platform/table-store.ts";
import type { Telemetry } from "../../platform/telemetry.ts";
import { byCauseway } from "../audit-log.ts";
import type { AuditLog } from "../audit-log.ts";
import { beginItems } from "./begin-items.ts";
import { releaseItems } from "./release-items.ts";
import type { BeginDependencies } from "./replay-work.ts";
import { countItems, mostFrequent, replaceItems, withStep } from "./count-items.ts";
import { addCounts, isEnded, noCounts } from "./replay-job.ts";
import type { ReplayCounts, ReplayItem, ReplayJob, ReplayState, ReplayStep } from "./replay-job.ts";
import type { HeldJob, ReplayStore } from "./replay-store.ts";
import { selectDeliveries } from "./select-deliveries.ts";
import type { SelectDependencies } from "./select-deliveries.ts";
import { watchItems } from "./watch-items.ts";

export interface RunnerDependencies extends BeginDependencies, SelectDependencies {
  readonly replays: ReplayStore;
  readonly telemetry: Telemetry;
  /** For what a replay decides by itself. */
  readonly audit?: Pick<AuditLog, "write">;
}

export interface RunLimits {
  /** Epoch ms: begin nothing after it. */
  readonly until: number;
  /** Comes back when nothing has settled for so long; the timer calls again. */
  readonly patienceMs: number;
}

const chunkSize = 100;
const pollMs = 1_000;
const slowestPerSecond = 1;
const busyPauseMs = 5_000;
/** For reading F&O again: short of the lease, or another runner would take the chunk meanwhile. */
const longestReadMs = 10_000;

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
  readonly #owner: string;
  readonly #limits: RunLimits;
  #held: HeldJob;
  #lastChange: number;
  /** When the next chunk may go out. */
  #nextAt = 0;
  /** What it is waiting for. */
  #note = "";
  /** When the ledger was last asked how deliveries have ended. */
  #lookedAt = 0;

  constructor(on: RunnerDependencies, held: HeldJob, owner: string, limits: RunLimits) {
    this.#on = on;
    this.#held = held;
    this.#owner = owner;
    this.#limits = limits;
    this.#lastChange = on.clock.now();
  }

  get #job(): ReplayJob {
    return this.#held.job;
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
    await this.#on.replays.release(this.#held);
    return isOver;
  }

  #isUnderWay(): boolean {
    return (this.#job.steps.at(-1)?.underWay ?? 0) > 0;
  }

  #hasTime(): boolean {
    const now = this.#on.clock.now();
    return now < this.#limits.until && now - this.#lastChange < this.#limits.patienceMs;
  }

  /** Does what people want of it by now. */
  async #obey(): Promise<void> {
    const { state } = this.#job;
    if (isEnded(state)) return;
    const wish = await this.#on.replays.wish(this.#job.id);
    if (wish === "cancel") await this.#end("cancelled", "a person cancelled it");
    else if (wish === "pause" && state !== "paused") await this.#save({ state: "paused" });
    else if (wish === "run" && state === "paused") {
      await this.#save({ state: this.#job.planCursor === null ? "running" : "planning" });
    }
  }

  async #plan(): Promise<void> {
    const job = this.#job;
    const cursor = job.planCursor === "" ? null : job.planCursor;
    const page = await selectDeliveries(this.#on, job.selection, cursor);
    const items = page.candidates.map((candidate, index): ReplayItem => {
      const { target, failureId, failure, eventId, time, businessKey } = candidate;
      return {
        number: job.total + index,
        target,
        failureId,
        failure,
        isRepair: false,
        settledAt: null,
        eventId,
        time,
        businessKey,
        state: "planned",
        generation: -1,
        outcome: "",
        changes: [],
      };
    });
    await this.#on.replays.addItems(job.id, items);
    const total = job.total + items.length;
    if (page.cursor !== null) await this.#save({ total, planCursor: page.cursor });
    else await this.#save({ total, planCursor: null, state: "running" });
    this.#lastChange = this.#on.clock.now();
  }

  /** One round of the step under way. */
  async #step(): Promise<void> {
    const { id, planCursor, position, total } = this.#job;
    if (position >= total) {
      // Paused while it was planned: there is nothing to follow yet.
      if (planCursor !== null) return;
      await this.#end("done", total === 0 ? "nothing was left to send" : await this.#whySkipped());
      return;
    }
    const step = this.#currentStep();
    const items = await this.#on.replays.items(id, position, position + step.size);
    let left = items;
    if (this.#job.state === "running") left = await this.#send(left, step);
    left = await this.#follow(left, step);
    const counts = countItems(left);
    if (this.#job.state === "running" && this.#mustStop(counts, step)) {
      await this.#stop(counts, step);
    } else if (counts.underWay === 0 && (counts.planned === 0 || isEnded(this.#job.state))) {
      await this.#endStep(counts, step);
    }
  }

  #currentStep(): ReplayStep {
    const open = this.#openStep();
    if (open !== undefined) return open;
    const { options, position, steps, total } = this.#job;
    const number = (steps.at(-1)?.number ?? 0) + 1;
    const sizes = options.steps;
    const wanted = sizes[Math.min(number, sizes.length) - 1] ?? 1;
    const size = Math.min(wanted, total - position);
    return {
      ...noCounts,
      number,
      size,
      planned: size,
      startedAt: this.#on.clock.now(),
      endedAt: null,
    };
  }

  /** Sends what the step still has, at the rate that is asked for, unless too many have failed by then. */
  async #send(items: readonly ReplayItem[], step: ReplayStep): Promise<readonly ReplayItem[]> {
    let left = items;
    while (this.#on.clock.now() < this.#limits.until) {
      const planned = left.filter(({ state }) => state === "planned");
      if (planned.length === 0) return left;
      if ((await this.#on.replays.wish(this.#job.id)) !== "run") return left;
      const size = Math.min(chunkSize, Math.max(1, Math.floor(this.#job.perSecondNow)));
      const chunk = planned.slice(0, size);
      await this.#waitForTurn(chunk.length);
      const sent = await this.#sendChunk(chunk);
      if (sent === undefined) return left;
      left = replaceItems(left, sent);
      // Looking costs a read for each delivery under way: now and then is soon enough to stop.
      if (this.#on.clock.now() - this.#lookedAt >= pollMs) left = await this.#followOnce(left);
      // After looking: who has settled by now is not looked at again before the job may end.
      await this.#saveStep(countItems(left), step);
      if (this.#mustStop(countItems(left), step)) return left;
    }
    return left;
  }

  /** Spreads chunks evenly; a runner that starts anew does not make up for the time before. */
  async #waitForTurn(count: number): Promise<void> {
    const now = this.#on.clock.now();
    if (this.#nextAt > now) await this.#on.clock.sleep(this.#nextAt - now);
    const begin = Math.max(this.#nextAt, now);
    this.#nextAt = begin + (count / this.#job.perSecondNow) * 1_000;
  }

  /** Undefined: not now. */
  async #sendChunk(chunk: readonly ReplayItem[]): Promise<readonly ReplayItem[] | undefined> {
    const { id, options } = this.#job;
    try {
      const left = Math.max(Math.ceil(this.#limits.until - this.#on.clock.now()), 1_000);
      const signal = AbortSignal.timeout(Math.min(left, longestReadMs));
      const begun = await beginItems(this.#on, this.#job, chunk, signal);
      await this.#on.replays.saveItems(id, begun.items);
      this.#lastChange = this.#on.clock.now();
      if (begun.later !== null) {
        await this.#save({ note: `F&O cannot be read now (${begun.later.code})` });
        await this.#on.clock.sleep(Math.min(begun.later.afterMs, busyPauseMs));
        return undefined;
      }
      const perSecondNow = Math.min(options.perSecond, this.#job.perSecondNow * 1.1);
      if (perSecondNow !== this.#job.perSecondNow) await this.#save({ perSecondNow, note: "" });
      return begun.items;
    } catch (error) {
      if (!(error instanceof MessagingError)) throw error;
      // ServerBusy or away: half as fast, and faster again with every chunk that goes through.
      const perSecondNow = Math.max(slowestPerSecond, this.#job.perSecondNow / 2);
      await this.#save({ perSecondNow, note: "Service Bus asks for less" });
      await this.#on.clock.sleep(busyPauseMs);
      return undefined;
    }
  }

  async #follow(items: readonly ReplayItem[], step: ReplayStep): Promise<readonly ReplayItem[]> {
    const before = countItems(items);
    if (before.underWay === 0) return items;
    let left = await this.#followOnce(items);
    const counts = countItems(left);
    if (counts.underWay === before.underWay) {
      await this.#on.clock.sleep(pollMs);
      left = await this.#followOnce(left);
    }
    await this.#saveStep(countItems(left), step);
    return left;
  }

  async #followOnce(items: readonly ReplayItem[]): Promise<readonly ReplayItem[]> {
    const sent = items.filter(({ state }) => state === "sent");
    if (sent.length === 0) return items;
    const { settled, waitingFor } = await watchItems(this.#on, sent);
    this.#lookedAt = this.#on.clock.now();
    if (settled.length > 0) {
      await this.#on.replays.saveItems(this.#job.id, settled);
      this.#lastChange = this.#on.clock.now();
    }
    const waiting = sent.length - settled.length;
    const note = waiting === 0 ? "" : `${waiting} under way: ${waitingFor.slice(0, 3).join(", ")}`;
    if (!isEnded(this.#job.state)) this.#note = note;
    return replaceItems(items, settled);
  }

  #mustStop(counts: ReplayCounts, step: ReplayStep): boolean {
    const bad = counts.failedAgain + counts.refused;
    return bad > this.#job.options.stopShare * step.size;
  }

  async #stop(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    const bad = counts.failedAgain + counts.refused;
    const share = Math.round(this.#job.options.stopShare * 100);
    const { id, position } = this.#job;
    const items = await this.#on.replays.items(id, position, position + step.size);
    const why = mostFrequent(items, ["failedAgain", "refused"]);
    const note = `${bad} of ${step.size} in step ${step.number} failed again, more than ${share} %: ${why}`;
    const decision = { ...byCauseway, action: "replays.stop", subject: id, reason: note };
    await this.#on.audit?.write({ ...decision, details: {} });
    await this.#end("stopped", note, step);
  }

  /** What a rule skipped, or somebody else has: not sent, and nobody's fault. */
  async #whySkipped(): Promise<string> {
    const { ended, id, total } = this.#job;
    if (ended.skipped === 0) return "";
    const items = await this.#on.replays.items(id, 0, total);
    return `${ended.skipped} skipped: ${mostFrequent(items, ["skipped"])}`;
  }

  async #endStep(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    await this.#save({ ...this.#toEndedStep(counts, step), isFollowed: false });
    const { ended, state } = this.#job;
    this.#tell(state, isEnded(state) ? ended : counts);
  }

  #toEndedStep(
    counts: ReplayCounts,
    step: ReplayStep,
  ): Pick<ReplayJob, "ended" | "position" | "steps"> {
    const { ended, position, steps } = this.#job;
    const done = { ...step, ...counts, endedAt: this.#on.clock.now() };
    return {
      ended: addCounts(ended, counts),
      position: position + step.size,
      steps: withStep(steps, done),
    };
  }

  #tell(state: ReplayState, counts: ReplayCounts): void {
    const { delivered, skipped, failedAgain, refused } = counts;
    this.#on.telemetry.event(
      "replay",
      { replayId: this.#job.id, state },
      { delivered, skipped, failedAgain, refused },
    );
  }

  /**
   * What is under way is followed until it settles; failures that were taken and not sent are given back. The
   * counts that explain the end are saved with it: whoever sees that it stopped sees why.
   */
  async #end(state: ReplayState, note: string, step = this.#openStep()): Promise<void> {
    const end = { state, note, endedAt: this.#on.clock.now() };
    const counts = step === undefined ? noCounts : await this.#release(step);
    if (step === undefined) await this.#save({ ...end, isFollowed: false });
    else if (counts.underWay === 0) {
      await this.#save({ ...end, ...this.#toEndedStep(counts, step), isFollowed: false });
    } else {
      const steps = withStep(this.#job.steps, { ...step, ...counts });
      await this.#save({ ...end, steps, isFollowed: true });
    }
    this.#tell(state, this.#job.ended);
  }

  #openStep(): ReplayStep | undefined {
    const last = this.#job.steps.at(-1);
    return last?.endedAt === null ? last : undefined;
  }

  /** How the step stands once what was not sent is given back. */
  async #release(step: ReplayStep): Promise<ReplayCounts> {
    const { id, position } = this.#job;
    const items = await this.#on.replays.items(id, position, position + step.size);
    const planned = items.filter((item) => item.state === "planned");
    const begun = await releaseItems(this.#on, this.#job, planned);
    await this.#on.replays.saveItems(id, begun);
    return countItems(replaceItems(items, begun));
  }

  async #saveStep(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    const note = isEnded(this.#job.state) ? this.#job.note : this.#note;
    await this.#save({ steps: withStep(this.#job.steps, { ...step, ...counts }), note });
  }

  async #save(changes: Partial<ReplayJob>): Promise<void> {
    const job = { ...this.#job, ...changes };
    this.#held = await this.#on.replays.save(this.#held, job, this.#owner, this.#on.clock.now());
  }
}
