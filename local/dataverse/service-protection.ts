import type { LocalClock } from "../clock.ts";
import { DataverseError, errorCodes } from "./dataverse-error.ts";

/**
 * Service protection limits per user: requests and execution time in a sliding five minutes, and
 * requests in flight. A `$batch` is one request; its work counts as execution time.
 * https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
 */
const defaultWindowMs = 300_000;
const maxRequestsPerMs = 6_000 / defaultWindowMs;
const maxExecutionPerMs = 1_200_000 / defaultWindowMs;
const maxConcurrent = 52;
/** What one written row is taken to cost the server; a rough figure, not documented. */
const rowExecutionMs = 20;

interface Usage {
  readonly calls: { readonly at: number; readonly executionMs: number }[];
  executionMs: number;
  inFlight: number;
}

export class ServiceProtection {
  readonly #clock: LocalClock;
  readonly #users = new Map<string, Usage>();
  readonly #windowMs: number;
  readonly #maxRequests: number;
  readonly #maxExecutionMs: number;

  /** A shorter window allows the same per second: a load run meets the limit within its minute. */
  constructor(clock: LocalClock, windowMs = defaultWindowMs) {
    this.#clock = clock;
    this.#windowMs = windowMs;
    this.#maxRequests = Math.round(maxRequestsPerMs * windowMs);
    this.#maxExecutionMs = Math.round(maxExecutionPerMs * windowMs);
  }

  /** Throws 429 when a limit is reached; otherwise the call counts until `leave`. */
  enter(user: string, rows: number): void {
    const usage = this.#usageOf(user);
    this.#forget(usage);
    if (usage.calls.length >= this.#maxRequests) {
      throw this.#refusal(
        usage,
        errorCodes.tooManyRequests,
        `Number of requests exceeded the limit of ${this.#maxRequests} over time window of ${this.#windowMs / 1000} seconds.`,
      );
    }
    if (usage.executionMs >= this.#maxExecutionMs) {
      throw this.#refusal(
        usage,
        errorCodes.tooMuchTime,
        `Combined execution time of incoming requests exceeded limit of ${this.#maxExecutionMs} milliseconds over time window of ${this.#windowMs / 1000} seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.`,
      );
    }
    if (usage.inFlight >= maxConcurrent) {
      throw this.#refusal(
        usage,
        errorCodes.tooManyConcurrent,
        `Number of concurrent requests exceeded the limit of ${maxConcurrent}.`,
      );
    }
    const executionMs = rows * rowExecutionMs;
    usage.calls.push({ at: this.#clock.now(), executionMs });
    usage.executionMs += executionMs;
    usage.inFlight += 1;
  }

  leave(user: string): void {
    this.#usageOf(user).inFlight -= 1;
  }

  /** Headers of every answer: what the user has left. */
  headers(user: string): Readonly<Record<string, string>> {
    const usage = this.#usageOf(user);
    const seconds = Math.max(this.#maxExecutionMs - usage.executionMs, 0) / 1000;
    return {
      "x-ms-ratelimit-burst-remaining-xrm-requests": String(
        Math.max(this.#maxRequests - usage.calls.length, 0),
      ),
      // As recorded from genuine answers, with a comma after the thousands.
      "x-ms-ratelimit-time-remaining-xrm-requests": seconds.toLocaleString("en-US", {
        minimumFractionDigits: 2,
        maximumFractionDigits: 2,
      }),
    };
  }

  #usageOf(user: string): Usage {
    const known = this.#users.get(user);
    if (known !== undefined) return known;
    const usage: Usage = { calls: [], executionMs: 0, inFlight: 0 };
    this.#users.set(user, usage);
    return usage;
  }

  #forget(usage: Usage): void {
    const start = this.#clock.now() - this.#windowMs;
    let gone = 0;
    for (const call of usage.calls) {
      if (call.at > start) break;
      usage.executionMs -= call.executionMs;
      gone += 1;
    }
    if (gone > 0) usage.calls.splice(0, gone);
  }

  #refusal(usage: Usage, code: string, message: string): DataverseError {
    const first = usage.calls[0]?.at ?? this.#clock.now();
    const waitMs = Math.max(first + this.#windowMs - this.#clock.now(), 1_000);
    const seconds = code === errorCodes.tooManyConcurrent ? 2 : Math.ceil(waitMs / 1000);
    return new DataverseError(429, code, message, { "retry-after": String(seconds) });
  }
}
