import {
  AzureCliCredential,
  ChainedTokenCredential,
  DefaultAzureCredential,
} from "@azure/identity";
import { Command } from "commander";
import pc from "picocolors";
import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import { systemClock } from "../../functions/src/platform/clock.ts";
import { createHttp } from "../../functions/src/platform/http.ts";
import type { Http } from "../../functions/src/platform/http.ts";
import { createGetToken } from "../../functions/src/platform/token.ts";
import { createAsk, createAzureReader } from "../doctor/azure-reader.ts";
import { examine, examineApp } from "../doctor/findings.ts";
import type { Finding } from "../doctor/findings.ts";
import { probeTargets } from "../doctor/probe-targets.ts";
import { readDeployedStack } from "../doctor/read-stack.ts";
import { exitCodes } from "../exit-codes.ts";
import { ApiRefusal } from "../operator/api-refusal.ts";
import { findOperatorApi } from "../operator/find-operator-api.ts";
import type { OperatorAddress, StackFlags } from "../operator/find-operator-api.ts";
import { createOperatorClient } from "../operator/operator-client.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printLine } from "../print.ts";

interface DoctorFlags extends StackFlags {
  readonly json?: boolean;
}

/** `causeway doctor`: looks at a stack, sends a synthetic event through every target, says what is left to do. */
export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "Looks at a stack, end to end, sends a synthetic event through every target in dry-run, and prints what to fix; writes nothing into any target.",
  );
  return withStackOptions(command).action(doctor);
}

async function doctor(flags: DoctorFlags): Promise<void> {
  const http = createHttp();
  try {
    const findings = await examineAll(flags, http);
    if (flags.json === true) {
      process.stdout.write(`${JSON.stringify({ stack: flags.stack ?? null, findings })}\n`);
    } else for (const finding of findings) print(finding);
    if (findings.some(({ result }) => result !== "ok")) process.exitCode = exitCodes.failed;
  } finally {
    http.close();
  }
}

/** Azure's own resources only by stack: the local Azure has no Resource Manager, an address names none. */
async function examineAll(flags: DoctorFlags, http: Http): Promise<readonly Finding[]> {
  if (flags.stack === undefined) {
    const address = await findOperatorApi(flags, http);
    const appUrl = address.baseUrl.replace(/\/api\/ops\/v1$/, "");
    return (
      await Promise.all([examineApp({ ask: createAsk(http) }, appUrl), probe(address, http)])
    ).flat();
  }
  const stack = await readDeployedStack(flags.stack);
  const credential = new ChainedTokenCredential(
    new AzureCliCredential(),
    new DefaultAzureCredential(),
  );
  const reader = createAzureReader(http, createGetToken(credential, systemClock));
  const address = findOperatorApi(flags, http);
  return (await Promise.all([examine(reader, stack), probe(address, http)])).flat();
}

/** What keeps the round from being begun is a finding like the others. */
async function probe(
  address: OperatorAddress | Promise<OperatorAddress>,
  http: Http,
): Promise<readonly Finding[]> {
  try {
    return await probeTargets(createOperatorClient(await address, http), systemClock);
  } catch (error) {
    if (!(error instanceof CausewayError)) throw error;
    const code = String(error.code);
    const link = `docs/runbook.md#${code.toLowerCase()} says what to do`;
    const fix = error instanceof ApiRefusal ? error.fix : link;
    const check = "A synthetic event gets through every target in dry-run";
    return [{ check, result: "unknown", seen: `${code}: ${error.message}`, fix }];
  }
}

function print({ check, fix, result, seen }: Finding): void {
  const marks = { ok: pc.green("✓"), wrong: pc.red("✗"), unknown: pc.yellow("?") };
  printLine(`${marks[result]} ${check}${seen === undefined ? "" : `: ${seen}`}`);
  if (fix !== undefined) printLine(`  → ${fix}`);
}
