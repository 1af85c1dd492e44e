import { expect, it } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

it("lets only those packages run a script at install that docs/dependencies.md tells of", async () => {
  const root = join(import.meta.dirname, "../..");
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as LockFile;

  const withScript = Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript === true)
    .map(([path]) => path.replace(/^node_modules\//, ""));

  expect(withScript.sort()).toEqual([
    "@parcel/watcher",
    "@pulumi/command",
    "@swc/core",
    "esbuild",
    "protobufjs",
  ]);
});
