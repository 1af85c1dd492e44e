const asyncHooks = require("node:async_hooks");
const { setFlagsFromString } = require("node:v8");
const { TestEnvironment } = require("jest-environment-node");
const { bindGlobals } = require("./bind-globals.cjs");
const { shareCompiledScripts } = require("./share-compiled-scripts.cjs");

shareCompiledScripts();

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
/** Node 24 has it read-only, and follows no promises for it. */
const isReplaceable =
  Object.getOwnPropertyDescriptor(asyncHooks, "AsyncLocalStorage")?.writable === true;

// Four times V8's own: most of what a test file runs is not worth optimising, and that took an eighth of a worker's
// time. Newer versions of V8 have no such flag, and a compiler that is cheaper.
if (process.versions.v8.startsWith("11.")) setFlagsFromString("--interrupt-budget=270000");

/** jest's environment for Node; only jest-circus, which is loaded between these two, sees the other class. */
module.exports = class OneAtATimeEnvironment extends TestEnvironment {
  constructor(...settings) {
    super(...settings);
    bindGlobals(this.getVmContext());
    if (isReplaceable) asyncHooks.AsyncLocalStorage = OneAtATime;
  }

  handleTestEvent({ name }) {
    if (isReplaceable && name === "setup") asyncHooks.AsyncLocalStorage = AsyncLocalStorage;
    // jest asks for a hundred frames of every error, and has one made for each `expect`.
    if (name === "run_start") this.global.Error.stackTraceLimit = 10;
  }
};
