/*
 * Sends what a step still has, a chunk at a time, at the rate that is asked for and that Service Bus and F&O can
 * keep up with. It comes back whenever there is something to look at or to wait for, so that the runner sees what
 * people want of the job meanwhile.
 */
import { MessagingError } from "../../platform/messages.ts";
import { beginItems } from "./begin-items.ts";
import type { BegunChunk, Later } from "./begin-items.ts";
import { countItems, replaceItems } from "./count-items.ts";
import type { KeepDependencies, KeptJob } from "./keep-job.ts";
import { limitTime } from "../../platform/limit-time.ts";
import { isAlone, isItsOwnMatter, limitMsOf, orderByLateness, ReadPace } from "./pace-reads.ts";
import type { ReplayItem, ReplayJob, ReplayStep } from "./replay-job.ts";
import { leaseMs } from "./replay-store.ts";

export interface SendLimits {
  /** Epoch ms: begin nothing after it. */
  readonly until: number;
  /** How those have ended by now that were sent. */
  readonly look: (items: readonly ReplayItem[]) => Promise<readonly ReplayItem[]>;
}

interface Sent {
  readonly items: readonly ReplayItem[];
  readonly isGoingOn: boolean;
}

const chunkSize = 100;
/** Service Bus may ask for less again and again; the way back from slower than this would take minutes. */
const [slowestPerSecond, slowestShare] = [1, 0.25];
const pauseMs = 5_000;
const leastReadMs = 1_000;
/** Retry-After is believed up to an hour (docs/decisions/0002), and a 0 is no leave to ask without end. */
const [leastAfterMs, mostAfterMs] = [1_000, 3_600_000];

export class ItemSender {
  readonly #on: KeepDependencies;
  readonly #kept: KeptJob;
  readonly #limits: SendLimits;
  readonly #reads = new ReadPace();
  /** When the next chunk may go out. */
  #nextAt = 0;

  constructor(on: KeepDependencies, kept: KeptJob, limits: SendLimits) {
    this.#on = on;
    this.#kept = kept;
    this.#limits = limits;
  }

  /** Sends until nothing is left, too many have failed by then, or there is something to wait for. */
  async send(items: readonly ReplayItem[], step: ReplayStep): Promise<readonly ReplayItem[]> {
    let left = items;
    while (this.#on.clock.now() < this.#limits.until) {
      const planned = left.filter(({ state }) => state === "planned");
      if (planned.length === 0) return left;
      if ((await this.#on.replays.wish(this.#kept.job.id)) !== "run") return left;
      if (!(await this.#isOurTurn())) return left;
      const sent = await this.#sendChunk(this.#chooseChunk(planned));
      left = replaceItems(left, sent.items);
      if (!sent.isGoingOn) return left;
      left = await this.#limits.look(left);
      // After looking: who has settled by now is not looked at again before the job may end.
      await this.#kept.saveStep(countItems(left), step);
      if (this.#kept.mustStop(countItems(left), step)) return left;
    }
    return left;
  }

  #chooseChunk(planned: readonly ReplayItem[]): readonly ReplayItem[] {
    const { options, perSecondNow } = this.#kept.job;
    const size = Math.min(chunkSize, Math.max(1, Math.floor(perSecondNow)));
    if (options.asStored) return planned.slice(0, size);
    return orderByLateness(planned).slice(0, Math.min(size, this.#reads.size));
  }

  /** Waits for its turn, as long as the lease allows; false: it is not there yet. */
  async #isOurTurn(): Promise<boolean> {
    const { asStored } = this.#kept.job.options;
    const readAfter = asStored ? 0 : (this.#kept.job.readAfter ?? 0);
    const turnAt = Math.max(this.#nextAt, readAfter);
    const waitMs = turnAt - this.#on.clock.now();
    if (waitMs <= 0) return true;
    await this.#on.clock.sleep(Math.min(waitMs, pauseMs));
    if (waitMs <= pauseMs) return true;
    await this.#kept.save({});
    return false;
  }

  async #sendChunk(chunk: readonly ReplayItem[]): Promise<Sent> {
    const { options, perSecondNow: before } = this.#kept.job;
    // Chunks are spread evenly; a runner that starts anew does not make up for the time before.
    const begin = Math.max(this.#nextAt, this.#on.clock.now());
    this.#nextAt = begin + (chunk.length / before) * 1_000;
    try {
      const { isLate, items, later } = await this.#begin(chunk);
      await this.#kept.saveItems(items);
      const isRead = !options.asStored && items.some(({ state }) => state === "sent");
      const read = isRead ? { readAt: this.#on.clock.now() } : {};
      if (later !== null) {
        const late = isLate ? await this.#markLate(chunk, later) : [];
        await this.#putOff(chunk, later, isLate, read);
        return { items: [...items, ...late], isGoingOn: false };
      }
      if (isRead) this.#reads.tellAnswered();
      const perSecondNow = Math.min(options.perSecond, before * 1.1);
      if (perSecondNow !== before) await this.#kept.save({ ...read, perSecondNow, note: "" });
      else if (isRead) await this.#kept.save(read);
      return { items, isGoingOn: true };
    } catch (error) {
      if (!(error instanceof MessagingError)) throw error;
      // ServerBusy or away: half as fast, and faster again with every chunk that goes through.
      const slowest = Math.min(slowestPerSecond, options.perSecond * slowestShare);
      const perSecondNow = Math.max(slowest, before / 2);
      await this.#kept.save({ perSecondNow, note: "Service Bus asks for less" });
      await this.#on.clock.sleep(pauseMs);
      return { items: [], isGoingOn: false };
    }
  }

  /** `isLate`: F&O did not answer in the time that it had, or said itself that it takes too long. */
  async #begin(chunk: readonly ReplayItem[]): Promise<BegunChunk & { readonly isLate: boolean }> {
    const { clock } = this.#on;
    const wantedMs = limitMsOf(chunk);
    const leftMs = Math.ceil(this.#limits.until - clock.now());
    const limitMs = Math.max(leastReadMs, Math.min(wantedMs, leftMs));
    const hasAllItsTime = limitMs === wantedMs;
    if (isAlone(chunk)) await this.#kept.save({}, limitMs + leaseMs);
    const { job } = this.#kept;
    const isOwn = hasAllItsTime && isItsOwnMatter(chunk, job);
    return limitTime(clock, limitMs, async (signal) => {
      const begun = await beginItems(this.#on, job, chunk, { signal, isItsOwnMatter: isOwn });
      const isLate = hasAllItsTime && signal.aborted;
      return { ...begun, isLate: isLate || begun.later?.code === "FINANCE_TIMEOUT" };
    });
  }

  /** Written down, and no step forward: who waits for F&O in vain makes room. */
  async #markLate(
    chunk: readonly ReplayItem[],
    { numbers }: Later,
  ): Promise<readonly ReplayItem[]> {
    const lateAt = this.#on.clock.now();
    const late = chunk
      .filter(({ number }) => numbers.includes(number))
      .map((item) => ({ ...item, lateAt }));
    await this.#on.replays.saveItems(this.#kept.job.id, late);
    return late;
  }

  /** Those that F&O gave no answer for stay as they are: taken, and not sent. */
  async #putOff(
    chunk: readonly ReplayItem[],
    { afterMs, code }: Later,
    isLate: boolean,
    read: Pick<ReplayJob, "readAt">,
  ): Promise<void> {
    if (afterMs !== null) {
      const waitMs = Math.min(Math.max(afterMs, leastAfterMs), mostAfterMs);
      const readAfter = this.#on.clock.now() + waitMs;
      const at = new Date(readAfter).toISOString();
      const note = `F&O is not to be read before ${at} (${code})`;
      await this.#kept.save({ ...read, note, readAfter });
      return;
    }
    if (isLate && this.#reads.tellLate(chunk)) {
      // Nearer to the end, too: a runner that gave up here would begin with too many again.
      this.#kept.tellChange();
      const note = `F&O takes too long: it is asked for ${this.#reads.size} at a time`;
      await this.#kept.save({ ...read, note });
      return;
    }
    await this.#kept.save({ ...read, note: `F&O cannot be read now (${code})` });
    await this.#on.clock.sleep(pauseMs);
  }
}
