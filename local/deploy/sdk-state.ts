/**
 * What the Pulumi SDK keeps of a run (settings, stack, features), apart from other runs of the process.
 *
 * Its own way is an AsyncLocalStorage, for which Node (before 24) follows every promise: a quarter of a run, which
 * makes some ten thousand. A run that begins while no other is under way does without: what belongs to no storage
 * is its. One that begins beside it gets a storage.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import * as runtimeState from "@pulumi/pulumi/runtime/state.js";

// Not in the SDK's types: its Automation API isolates programs with it.
const { withLocalStorage } = runtimeState as unknown as {
  readonly withLocalStorage: <T>(callback: () => T) => T;
};

class SdkState {
  readonly #beside = new AsyncLocalStorage<unknown>();
  #first: unknown;
  #running = 0;

  /** Called by the SDK with the state of a new run. */
  run<T>(state: unknown, callback: () => T): T {
    if (this.#running > 1) return this.#beside.run(state, callback);
    this.#first = state;
    return callback();
  }

  /** Called by the SDK wherever it needs its state. */
  getStore(): unknown {
    return this.#beside.getStore() ?? this.#first;
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#forget();
    }
  }

  #forget(): void {
    this.#first = undefined;
    // Once used, Node would follow every promise for good.
    this.#beside.disable();
  }
}

const sdkState = new SdkState();
Object.assign(globalThis, { asyncLocalStorage: sdkState });

/** Does the work with a state of the SDK that it shares with nobody. */
export function withOwnState<T>(work: () => Promise<T>): Promise<T> {
  return sdkState.hold(() => withLocalStorage(work));
}
