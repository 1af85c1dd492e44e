import { expect, it } from "@jest/globals";
import { createRequire } from "node:module";

interface TestFile {
  readonly path: string;
  readonly context: unknown;
}

type Sequencer = new (options: object) => { sort(tests: TestFile[]): readonly TestFile[] };

const require = createRequire(import.meta.url);
const LongestFirst = require("../../support/longest-first.cjs") as Sequencer;

it("starts what boots something first where jest knows no durations yet, the larger file before the other", () => {
  const sizes: Readonly<Record<string, number>> = {
    "/c/test/unit/large.test.ts": 900,
    "/c/test/journeys/small.test.ts": 10,
    "/c/test/unit/infra/config.test.ts": 700,
    "/c/test/console/console.test.ts": 20,
  };
  const hasteFS = { getSize: (path: string) => sizes[path] };
  const context = { config: { cache: false }, hasteFS };
  const files = Object.keys(sizes).map((path) => ({ path, context }));

  const order = new LongestFirst({}).sort(files).map(({ path }) => path.slice("/c/test/".length));

  expect(order).toEqual([
    "console/console.test.ts",
    "journeys/small.test.ts",
    "unit/large.test.ts",
    "unit/infra/config.test.ts",
  ]);
});
