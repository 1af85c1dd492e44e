/*
 * A job as its runner has it: every change is written under the lease before the next thing is done, and a lost
 * lease throws CHANGED. A step is written before anything of it is sent, so whoever ends the job, in whatever
 * process, finds what was taken for it:
 *
 *   (none) ──written──► open ──all settled, or the job ends and nothing is under way──► ended
 */
import { byCauseway } from "../audit-log.ts";
import type { AuditLog } from "../audit-log.ts";
import { countItems, mostFrequent, replaceItems, withStep } from "./count-items.ts";
import { releaseItems } from "./release-items.ts";
import { addCounts, isEnded, noCounts } from "./replay-job.ts";
import type { ReplayCounts, ReplayItem, ReplayJob, ReplayState, ReplayStep } from "./replay-job.ts";
import type { HeldJob, ReplayStore } from "./replay-store.ts";
import type { BeginDependencies } from "./replay-work.ts";

export interface KeepDependencies extends BeginDependencies {
  readonly replays: ReplayStore;
  /** For what a replay decides by itself. */
  readonly audit?: Pick<AuditLog, "write">;
}

const notDelivered = [
  ["failedAgain", "failed again"],
  ["skipped", "skipped"],
  ["refused", "not sent"],
] as const;

export class KeptJob {
  readonly #on: KeepDependencies;
  readonly #owner: string;
  #held: HeldJob;
  #changedAt: number;
  /** What it is waiting for. */
  note = "";

  constructor(on: KeepDependencies, held: HeldJob, owner: string) {
    this.#on = on;
    this.#held = held;
    this.#owner = owner;
    this.#changedAt = on.clock.now();
  }

  get job(): ReplayJob {
    return this.#held.job;
  }

  get openStep(): ReplayStep | undefined {
    const last = this.job.steps.at(-1);
    return last?.endedAt === null ? last : undefined;
  }

  /** When it last came nearer to its end. */
  get changedAt(): number {
    return this.#changedAt;
  }

  tellChange(): void {
    this.#changedAt = this.#on.clock.now();
  }

  /** `leaseMs`: for what takes longer than a lease usually lasts. */
  async save(changes: Partial<ReplayJob>, leaseMs?: number): Promise<void> {
    const job = { ...this.job, ...changes };
    const now = this.#on.clock.now();
    this.#held = await this.#on.replays.save(this.#held, job, this.#owner, now, leaseMs);
  }

  async release(): Promise<void> {
    await this.#on.replays.release(this.#held);
  }

  async beginStep(): Promise<ReplayStep> {
    const { options, position, steps, total } = this.job;
    const number = (steps.at(-1)?.number ?? 0) + 1;
    const sizes = options.steps;
    const wanted = sizes[Math.min(number, sizes.length) - 1] ?? 1;
    const size = Math.min(wanted, total - position);
    const startedAt = this.#on.clock.now();
    const step = { ...noCounts, number, size, planned: size, startedAt, endedAt: null };
    await this.save({ steps: withStep(steps, step) });
    return step;
  }

  /** Throws when some are not there: a step without them would look as if it had ended. */
  async items(step: ReplayStep): Promise<readonly ReplayItem[]> {
    const { id, position } = this.job;
    const items = await this.#on.replays.items(id, position, position + step.size);
    if (items.length === step.size) return items;
    throw new RangeError(`replay ${id} has ${items.length} of the ${step.size} items of its step`);
  }

  async saveItems(items: readonly ReplayItem[]): Promise<void> {
    if (items.length === 0) return;
    await this.#on.replays.saveItems(this.job.id, items);
    this.tellChange();
  }

  async saveStep(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    const note = isEnded(this.job.state) ? this.job.note : this.note;
    await this.save({ steps: withStep(this.job.steps, { ...step, ...counts }), note });
  }

  async endStep(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    await this.save({ ...this.#toEndedStep(counts, step), isFollowed: false });
    const { ended, state } = this.job;
    this.#tell(state, isEnded(state) ? ended : counts);
  }

  mustStop(counts: ReplayCounts, step: ReplayStep): boolean {
    const bad = counts.failedAgain + counts.refused;
    return bad > this.job.options.stopShare * step.size;
  }

  async stop(counts: ReplayCounts, step: ReplayStep): Promise<void> {
    const bad = counts.failedAgain + counts.refused;
    const share = Math.round(this.job.options.stopShare * 100);
    const why = mostFrequent(await this.items(step), ["failedAgain", "refused"]);
    const note = `${bad} of ${step.size} in step ${step.number} failed again, more than ${share} %: ${why}`;
    const decision = { ...byCauseway, action: "replays.stop", subject: this.job.id, reason: note };
    await this.#on.audit?.write({ ...decision, details: {} });
    await this.end("stopped", note);
  }

  async finish(): Promise<void> {
    const { total } = this.job;
    await this.end(
      "done",
      total === 0 ? "nothing was left to send" : await this.#whyNotDelivered(),
    );
  }

  /**
   * What is under way is followed until it settles; failures that were taken and not sent are given back. The
   * counts that explain the end are saved with it: whoever sees that it stopped sees why.
   */
  async end(state: ReplayState, note: string): Promise<void> {
    const end = { state, note, endedAt: this.#on.clock.now() };
    const step = this.openStep;
    const counts = step === undefined ? noCounts : await this.#giveBack(step);
    if (step === undefined) await this.save({ ...end, isFollowed: false });
    else if (counts.underWay === 0) {
      await this.save({ ...end, ...this.#toEndedStep(counts, step), isFollowed: false });
    } else {
      const steps = withStep(this.job.steps, { ...step, ...counts });
      await this.save({ ...end, steps, isFollowed: true });
    }
    this.#tell(state, this.job.ended);
  }

  /** How the step stands once what was not sent is given back. */
  async #giveBack(step: ReplayStep): Promise<ReplayCounts> {
    const items = await this.items(step);
    const planned = items.filter((item) => item.state === "planned");
    const begun = await releaseItems(this.#on, this.job, planned);
    await this.saveItems(begun);
    return countItems(replaceItems(items, begun));
  }

  #toEndedStep(
    counts: ReplayCounts,
    step: ReplayStep,
  ): Pick<ReplayJob, "ended" | "position" | "steps"> {
    const { ended, position, steps } = this.job;
    const done = { ...step, ...counts, endedAt: this.#on.clock.now() };
    return {
      ended: addCounts(ended, counts),
      position: position + step.size,
      steps: withStep(steps, done),
    };
  }

  /** What failed again, a rule skipped, somebody else has, or F&O has no answer for. */
  async #whyNotDelivered(): Promise<string> {
    const { ended, id, total } = this.job;
    if (ended.failedAgain + ended.skipped + ended.refused === 0) return "";
    const items = await this.#on.replays.items(id, 0, total);
    const parts = notDelivered
      .filter(([state]) => ended[state] > 0)
      .map(([state, words]) => `${ended[state]} ${words}: ${mostFrequent(items, [state])}`);
    return parts.join("; ");
  }

  #tell(state: ReplayState, counts: ReplayCounts): void {
    const { delivered, skipped, failedAgain, refused } = counts;
    this.#on.telemetry.event(
      "replay",
      { replayId: this.job.id, state },
      { delivered, skipped, failedAgain, refused },
    );
  }
}
