import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stop } from "esbuild";
import { unzipSync, zipSync } from "fflate";
import { startStorage } from "../../local/assembly/start-storage.ts";
import { AdvancingClock } from "../../local/clock.ts";
import { startLocalAzure, type LocalAzure } from "../../local/start-local-azure.ts";
import type { Flow } from "../../schemas/types/flow.ts";
import { buildIfChanged } from "../../scripts/build-if-changed.ts";

export interface ChaosStack extends LocalAzure {
  readonly clock: AdvancingClock;
}

export interface ChaosStackOptions {
  readonly folder: string;
  readonly random: () => number;
  readonly log: (line: string) => void;
}

/**
 * The whole local Azure on a clock that can be moved on, with doors before storage. Two settings are not
 * those of `npm start`, or their waiting would be all that a run shows: the flow's budgets and the mail
 * service's quota, which stand at 90 mails an hour, are set far above what a run sends.
 */
export async function startChaosStack(options: ChaosStackOptions): Promise<ChaosStack> {
  const { folder, log, random } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const clock = new AdvancingClock();
  const storage = startStorage(folder, log, { canBeAway: true });
  const built = await buildIfChanged();
  const functionsPackage = join(folder, "functions-chaos.zip");
  await writeFile(functionsPackage, raiseBudgets(await readFile(built.zip)));
  try {
    const azure = await startLocalAzure({ folder, storage, functionsPackage, clock, random, log });
    azure.control.configureMail({ enforceQuota: false });
    return { ...azure, clock };
  } finally {
    await stop();
  }
}

const flowFile = "flows/invoice-posted/flow.json";
const budgets: Readonly<Record<string, object>> = {
  crm: { concurrency: 16 },
  email: { concurrency: 16 },
};

function raiseBudgets(zip: Uint8Array): Uint8Array {
  const files = unzipSync(zip);
  const text = files[flowFile];
  if (text === undefined) throw new Error(`The function app's package has no ${flowFile}.`);
  const flow = JSON.parse(Buffer.from(text).toString("utf8")) as Flow;
  const targets = Object.fromEntries(
    Object.entries(flow.targets).map(([name, target]) => [
      name,
      budgets[name] === undefined ? target : { ...target, budget: budgets[name] },
    ]),
  );
  const raised = Buffer.from(JSON.stringify({ ...flow, targets }));
  return zipSync({ ...files, [flowFile]: new Uint8Array(raised) }, { level: 1 });
}
