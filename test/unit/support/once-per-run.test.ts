import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oncePerRun } from "../../support/once-per-run.ts";

const variable = "CAUSEWAY_TEST_RUN";
const before = process.env[variable];
let folder: string;
let made = 0;

const make = (): Promise<{ readonly made: number }> => {
  made += 1;
  return Promise.resolve({ made });
};

beforeEach(async () => {
  made = 0;
  folder = await mkdtemp(join(tmpdir(), "causeway-once-"));
  process.env[variable] = folder;
});

afterEach(async () => {
  if (before === undefined) Reflect.deleteProperty(process.env, variable);
  else process.env[variable] = before;
  await rm(folder, { recursive: true });
});

describe("what a run's test files share", () => {
  it("is made once for all who ask at the same time, and for those who ask later", async () => {
    const both = await Promise.all([oncePerRun("key", make), oncePerRun("key", make)]);
    const later = await oncePerRun("key", make);

    expect([...both, later]).toEqual([{ made: 1 }, { made: 1 }, { made: 1 }]);
  });

  it("is made for each key", async () => {
    expect(await oncePerRun({ stack: "dev" }, make)).toEqual({ made: 1 });
    expect(await oncePerRun({ stack: "prod" }, make)).toEqual({ made: 2 });
  });

  it("is made by the next who asks when whoever made it failed", async () => {
    const fails = (): Promise<never> => Promise.reject(new Error("no memory"));

    await expect(oncePerRun("key", fails)).rejects.toThrow("no memory");
    expect(await oncePerRun("key", make)).toEqual({ made: 1 });
  });

  it("is made by everybody for himself outside of a run", async () => {
    Reflect.deleteProperty(process.env, variable);

    expect(await oncePerRun("key", make)).toEqual({ made: 1 });
    expect(await oncePerRun("key", make)).toEqual({ made: 2 });
  });
});
