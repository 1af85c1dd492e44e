import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleCached } from "../../../local/bundle-cached.js";

const root = join(import.meta.dirname, "../../..");
let folder: string;
/** Entries are sources of the project, so the folder has to be inside it. */
beforeAll(async () => {
  await mkdir(join(root, ".local"), { recursive: true });
  folder = await mkdtemp(join(root, ".local", "bundle-test-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bundles `source` as a program of its own; gives what it exports as `answer` and when its file was written. */
async function bundle(
  name: string,
  source: string,
): Promise<{ answer: unknown; text: string; writtenAt: number }> {
  const entry = join(folder, `${name}.ts`);
  const known = await readFile(entry, "utf8").catch(() => "");
  if (known !== source) await writeFile(entry, source);
  const outDir = join(folder, "out", name);
  await bundleCached({ entries: [relative(root, entry)], outDir });
  const file = join(outDir, `${name}.js`);
  const { mtimeMs } = await stat(file);
  const module = (await import(pathToFileURL(file).href)) as { answer: unknown };
  return { answer: module.answer, text: await readFile(file, "utf8"), writtenAt: mtimeMs };
}

describe("a bundled program", () => {
  it("is made once from the same sources, and again when one has changed", async () => {
    const first = await bundle("program", "export const answer: number = 1;");
    const second = await bundle("program", "export const answer: number = 1;");
    const changed = await bundle("program", "export const answer: number = 22;");

    expect(first.answer).toBe(1);
    expect(changed.text).toContain("22");
    expect(second.writtenAt).toBe(first.writtenAt);
    expect(changed.writtenAt).toBeGreaterThan(first.writtenAt);
  });

  it("keeps the place of each source, so that it finds the files beside it", async () => {
    const { answer } = await bundle("place", "export const answer = import.meta.dirname;");

    expect(answer).toBe(folder);
  });

  it("carries its packages, those too that are CommonJS and ask for modules of Node", async () => {
    const { answer, text } = await bundle(
      "packages",
      'import { Decimal } from "decimal.js"; import rhea from "rhea"; export const answer = [new Decimal("0.1").plus("0.2").toString(), typeof rhea.create_container];',
    );
    const files = await readdir(join(folder, "out", "packages"));

    expect(answer).toEqual(["0.3", "function"]);
    expect(text).not.toMatch(/from ?"(decimal\.js|rhea)"/);
    expect(files).toContain("packages.js.map");
  });

  it("has an error in the place of what is left out, which names the package that was called", async () => {
    const { answer } = await bundle(
      "left-out",
      'import ts from "typescript"; class Extended extends ts.Node {} export const answer = (() => { try { return new Extended(); } catch (error) { return String(error); } })();',
    );

    expect(answer).toMatch(/typescript is left out of the local Azure.*called/);
  });
});
