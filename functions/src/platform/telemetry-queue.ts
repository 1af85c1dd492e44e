/*
 * What was told and not yet handed to the SDK.
 *
 *   waiting (SDK is loading) ──open──► feeding ──1,500 handed over──► flushing ──flushed──► feeding
 *          └──────────────── close (it cannot be loaded): everything told is let go ────────┘
 *
 * The SDK keeps 2,048 spans and as many records until they are sent, and drops what is over without a
 * word: a busy second of ours. So it never gets more than it can keep before it has sent what it has. What
 * does not fit here while the collector is slow or away is counted; nobody waits for it.
 */
export interface TelemetrySink {
  /** Resolves when what was handed over is sent or given up. */
  flush(): Promise<void>;
  onDropped(count: number): void;
}

type Tell = () => void;

interface Waiting {
  readonly tell: Tell;
  /** Metrics are added up and take no place of their own. */
  readonly places: 0 | 1;
}

const maxWaiting = 20_000;
const maxUnflushed = 1_500;
/** Then the event loop has a turn. */
const turnSize = 250;
/** The SDK gives an export up after 30 s. */
const flushLimitMs = 60_000;

export class TelemetryQueue {
  #waiting: Waiting[] = [];
  #sink: TelemetrySink | undefined;
  #closed = false;
  #draining: Promise<void> | undefined;
  #unflushed = 0;
  #dropped = 0;

  /** False when it was let go. */
  push(tell: Tell, places: 0 | 1 = 1): boolean {
    if (this.#closed) return false;
    if (this.#waiting.length >= maxWaiting) {
      this.#dropped += 1;
      return false;
    }
    this.#waiting.push({ tell, places });
    this.#start();
    return true;
  }

  open(sink: TelemetrySink): void {
    this.#sink = sink;
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  /** Once everything told so far was handed over and flushed. */
  async settle(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
    await this.#sink?.flush();
  }

  #start(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#draining !== undefined || this.#waiting.length === 0) return;
    this.#draining = this.#drain(sink).finally(() => {
      this.#draining = undefined;
    });
  }

  async #drain(sink: TelemetrySink): Promise<void> {
    // Not within the call that told: that one goes on first.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      if (this.#unflushed >= maxUnflushed) await this.#flush(sink);
      const size = Math.min(turnSize, maxUnflushed - this.#unflushed);
      const turn = this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      for (const { tell, places } of turn) {
        attempt(tell);
        this.#unflushed += places;
      }
      if (this.#waiting.length > 0) await new Promise(setImmediate);
    }
    this.#tellDropped(sink);
  }

  async #flush(sink: TelemetrySink): Promise<void> {
    const limit = new AbortController();
    await Promise.race([sink.flush().catch(() => undefined), pause(flushLimitMs, limit.signal)]);
    limit.abort();
    this.#unflushed = 0;
  }

  #tellDropped(sink: TelemetrySink): void {
    if (this.#dropped === 0) return;
    const count = this.#dropped;
    this.#dropped = 0;
    attempt(() => sink.onDropped(count));
  }
}

/** Nothing that is told may stop what it tells of. */
function attempt(tell: Tell): void {
  try {
    tell();
  } catch {
    // Telemetry about telemetry would go the same way.
  }
}

/** Holds no process open. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
