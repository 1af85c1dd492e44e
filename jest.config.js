/** @type {import("jest").Config} */
const config = {
  testEnvironment: "<rootDir>/test/support/one-at-a-time.cjs",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      {
        jsc: {
          parser: { syntax: "typescript", importAttributes: true },
          target: "es2023",
          experimental: { keepImportAttributes: true },
        },
        module: { type: "es6" },
      },
    ],
  },
  // Three times the cores that CI has: what boots a local Azure comes first and waits for other processes half of its
  // time. With four, two cores stood idle for a sixth of a run.
  maxWorkers: 6,
  testSequencer: "<rootDir>/test/support/longest-first.cjs",
  // Ends what hangs. It is more than several waits together (`eventually`) on a machine that has little time for us: no
  // test has a limit of its own, which a slow machine could exceed.
  testTimeout: 600_000,
  // Unpacked packages of a running local Azure would collide in the file scan.
  modulePathIgnorePatterns: ["<rootDir>/.local", "<rootDir>/dist"],
};

export default config;
