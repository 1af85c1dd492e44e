import { readFile, writeFile } from "node:fs/promises";
import { strFromU8, strToU8, unzipSync, zipSync } from "fflate";

/**
 * The deployed package with the budgets of its flows taken out where they are below the machine's speed:
 * with 90 mails an hour and 300 CRM calls a minute nothing else would be measured. CE's stays: it is what
 * keeps us under Dataverse's limits.
 */
export async function liftBudgets(zip: string, liftedZip: string): Promise<string> {
  const files = unzipSync(await readFile(zip));
  for (const [name, content] of Object.entries(files)) {
    if (!/^flows\/[^/]+\/flow\.json$/.test(name)) continue;
    const flow = JSON.parse(strFromU8(content)) as {
      readonly targets: Record<string, { kind: string; budget?: unknown }>;
    };
    for (const target of Object.values(flow.targets)) {
      if (target.kind === "workflow") delete target.budget;
    }
    files[name] = strToU8(JSON.stringify(flow));
  }
  await writeFile(liftedZip, zipSync(files, { level: 1 }));
  return liftedZip;
}
