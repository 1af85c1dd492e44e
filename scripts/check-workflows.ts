import { readdir, readFile } from "node:fs/promises";
import { validateWorkflow } from "../local/logic-apps/validate-workflow.ts";

/** Checks every Logic App in `logicapps/` as its designer would on saving; exit code 1 when one is wrong. */
const root = new URL("../logicapps/", import.meta.url);
let problems = 0;
for (const entry of await readdir(root, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const file = new URL(`${entry.name}/workflow.json`, root);
  const workflow = JSON.parse(await readFile(file, "utf8")) as { readonly definition: unknown };
  for (const { path, message } of validateWorkflow(workflow.definition)) {
    problems += 1;
    process.stdout.write(`logicapps/${entry.name}/workflow.json ${path}: ${message}\n`);
  }
}
process.exitCode = problems === 0 ? 0 : 1;
