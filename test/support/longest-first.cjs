// CommonJS, since jest wants the class as the module's one export.
const { default: TestSequencer } = require("@jest/test-sequencer");

const long = /\/test\/(journeys|console|chaos|infra)\//;

/**
 * jest starts the slowest files first, but knows of none on a machine where it has not run yet: what boots a local
 * Azure or runs the whole program would begin when all else is done, and be waited for alone.
 */
module.exports = class LongestFirst extends TestSequencer {
  sort(tests) {
    const sorted = super.sort(tests);
    const isLong = ({ path }) => long.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
};
