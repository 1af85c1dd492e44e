import {
  AzureCliCredential,
  ChainedTokenCredential,
  DefaultAzureCredential,
} from "@azure/identity";
import { Command } from "commander";
import pc from "picocolors";
import { systemClock } from "../../functions/src/platform/clock.ts";
import { createHttp } from "../../functions/src/platform/http.ts";
import { createGetToken } from "../../functions/src/platform/token.ts";
import { createAzureReader } from "../doctor/azure-reader.ts";
import { examine, type Finding } from "../doctor/findings.ts";
import { readDeployedStack } from "../doctor/read-stack.ts";
import { exitCodes } from "../exit-codes.ts";

interface DoctorFlags {
  readonly stack: string;
  readonly json?: boolean;
}

/** `causeway doctor`: looks at a deployed stack and says what is left to do. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Looks at a deployed stack, end to end, and prints what to fix; changes nothing.")
    .requiredOption("--stack <name>", "the Pulumi stack; signs in as `az login` did")
    .option("--json", "print the findings as JSON on standard output")
    .action(doctor);
}

async function doctor({ json, stack }: DoctorFlags): Promise<void> {
  const http = createHttp();
  try {
    const credential = new ChainedTokenCredential(
      new AzureCliCredential(),
      new DefaultAzureCredential(),
    );
    const reader = createAzureReader(http, createGetToken(credential, systemClock));
    const findings = await examine(reader, await readDeployedStack(stack));
    if (json === true) process.stdout.write(`${JSON.stringify({ stack, findings })}\n`);
    else for (const finding of findings) print(finding);
    if (findings.some(({ result }) => result !== "ok")) process.exitCode = exitCodes.failed;
  } finally {
    http.close();
  }
}

function print({ check, fix, result, seen }: Finding): void {
  const marks = { ok: pc.green("✓"), wrong: pc.red("✗"), unknown: pc.yellow("?") };
  process.stdout.write(`${marks[result]} ${check}${seen === undefined ? "" : `: ${seen}`}\n`);
  if (fix !== undefined) process.stdout.write(`  → ${fix}\n`);
}
