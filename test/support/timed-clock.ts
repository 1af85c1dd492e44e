import { ManualClock } from "./delivery-world.ts";

/** Stands still as well, but lets a batch's time limit come when time passes inside of it. */
export class TimedClock extends ManualClock {
  readonly #limits: {
    readonly at: number;
    readonly done: AbortSignal;
    readonly stop: () => void;
  }[] = [];

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return super.sleep(ms);
    const at = this.now() + ms;
    return new Promise((stop) => this.#limits.push({ at, done: signal, stop }));
  }

  /** False when `signal` aborts before that time is over. */
  async pass(ms: number, signal?: AbortSignal): Promise<boolean> {
    const end = this.now() + ms;
    const due = this.#limits.filter(({ at, done }) => at <= end && !done.aborted);
    for (const { at, stop } of [...due].sort((a, b) => a.at - b.at)) {
      if (signal?.aborted === true) break;
      this.to(at);
      stop();
      for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    }
    if (signal?.aborted === true) return false;
    this.to(end);
    return true;
  }
}
