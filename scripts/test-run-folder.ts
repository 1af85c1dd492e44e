import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/*
 * What test files of one run share (`test/support/once-per-run.ts`): made by `npm test`, removed when it ends. Of a
 * run that was killed the next one removes it, which is why the name tells the process.
 */
const name = /^test-run-(\d+)-/;

/** A new folder below `parent`, for a run of this process; those of processes that are gone are removed. */
export async function makeTestRunFolder(parent: string): Promise<string> {
  const left = (await readdir(parent)).filter((each) => isLeft(name.exec(each)?.[1]));
  await Promise.all(left.map((each) => rm(join(parent, each), { recursive: true, force: true })));
  return mkdtemp(join(parent, `test-run-${process.pid}-`));
}

function isLeft(pid: string | undefined): boolean {
  if (pid === undefined) return false;
  try {
    // Signal 0 only asks.
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}
