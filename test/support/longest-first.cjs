// CommonJS, since jest wants the class as the module's one export.
const { default: TestSequencer } = require("@jest/test-sequencer");

const long = /\/test\/(journeys|console|chaos|infra)\//;

/**
 * jest starts what failed the last time first, and then the slowest files, but knows of none on a machine where it
 * has not run yet: what boots a local Azure or runs the whole program would begin when all else is done, and be
 * waited for alone.
 */
module.exports = class LongestFirst extends TestSequencer {
  sort(tests) {
    const rank = (test) => (this.hasFailed(test) ? 0 : long.test(test.path) ? 1 : 2);
    return [...super.sort(tests)].sort((left, right) => rank(left) - rank(right));
  }
};
