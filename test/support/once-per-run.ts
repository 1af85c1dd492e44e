import { createHash } from "node:crypto";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/*
 * Test files run in several processes and know nothing of each other. `npm test` names a folder for what they
 * share (`scripts/run-tests.ts`) and removes it when the run ends; without one, nothing is shared.
 *
 *   absent ──claimed──► being made ──► made          whoever made it failed: absent again, and the next one tries
 */

const waitMs = 50;

/** What `make` gives for `key`, through JSON: made by the first of a run's files that asks, read by all others. */
export async function oncePerRun<T>(key: unknown, make: () => Promise<T>): Promise<T> {
  const folder = process.env["CAUSEWAY_TEST_RUN"];
  if (folder === undefined) return make();
  const file = join(folder, createHash("sha256").update(JSON.stringify(key)).digest("hex"));
  for (;;) {
    const made = await readFile(file, "utf8").catch(() => undefined);
    if (made !== undefined) return JSON.parse(made) as T;
    if (await claim(file)) return makeClaimed(file, make);
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
}

async function claim(file: string): Promise<boolean> {
  try {
    await (await open(`${file}.claim`, "wx")).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function makeClaimed<T>(file: string, make: () => Promise<T>): Promise<T> {
  try {
    const made = await make();
    // Renamed when it is whole: others may read at any moment.
    await writeFile(`${file}.part`, JSON.stringify(made));
    await rename(`${file}.part`, file);
    return made;
  } catch (error) {
    await rm(`${file}.claim`);
    throw error;
  }
}
