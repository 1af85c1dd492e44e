import { expect, it } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { makeTestRunFolder } from "../../../scripts/test-run-folder.ts";

it("a run's folder is new, and takes away those of runs that are gone and no other", async () => {
  const parent = await mkdtemp(join(tmpdir(), "runs-"));
  const { pid: gone } = spawnSync(process.execPath, ["--version"]);
  const kept = [`test-run-${process.pid}-other`, `journey-${gone}`, "test-run-old"];
  for (const name of [...kept, `test-run-${gone}-abc`]) await mkdir(join(parent, name));

  const folder = await makeTestRunFolder(parent);

  expect((await readdir(parent)).sort()).toEqual([...kept, basename(folder)].sort());
  await rm(parent, { recursive: true });
});
