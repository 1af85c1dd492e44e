const asyncHooks = require("node:async_hooks");
const { TestEnvironment } = require("jest-environment-node");

/**
 * What jest-circus notes of the test that runs, for what runs one at a time, as all tests of ours do (no
 * `it.concurrent`). Its AsyncLocalStorage, a new one for each file, has Node (before 24) follow every promise of the
 * tests, for each of them: a tenth of the processor time of a worker that runs a hundred files.
 */
class OneAtATime {
  #store;

  run(store, callback) {
    const before = this.#store;
    const restore = () => {
      this.#store = before;
    };
    this.#store = store;
    try {
      const result = callback();
      if (result instanceof Promise) return result.finally(restore);
      restore();
      return result;
    } catch (error) {
      restore();
      throw error;
    }
  }

  getStore() {
    return this.#store;
  }
}

const { AsyncLocalStorage } = asyncHooks;

/** jest's environment for Node; only jest-circus, which is loaded between these two, sees the other class. */
module.exports = class OneAtATimeEnvironment extends TestEnvironment {
  constructor(...settings) {
    super(...settings);
    asyncHooks.AsyncLocalStorage = OneAtATime;
  }

  handleTestEvent({ name }) {
    if (name === "setup") asyncHooks.AsyncLocalStorage = AsyncLocalStorage;
  }
};
