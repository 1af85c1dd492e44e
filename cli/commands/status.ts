import { Command } from "commander";
import pc from "picocolors";
import type {
  Attention,
  LastVerification,
  OverviewAnswer,
  StepView,
} from "../../functions/src/operator/reads/answers.ts";
import { exitCodes } from "../exit-codes.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface Flags extends StackFlags {
  readonly json?: boolean;
}

/** `causeway status`: the console's overview in a terminal. */
export function statusCommand(): Command {
  const command = new Command("status").description(
    "How each step is doing, and what needs a person (exit code 5 when something does).",
  );
  return withStackOptions(command).action(async (flags: Flags) => {
    await withOperator(flags, async (client) => {
      const overview = await client.get<OverviewAnswer>("overview");
      if (overview.attention.length > 0) process.exitCode = exitCodes.needsLooking;
      if (flags.json === true) printJson(overview);
      else print(overview);
    });
  });
}

function print({ attention, lastVerification, steps }: OverviewAnswer): void {
  printTable(["step", "state", "mode", "per min", "lag", "waiting", "failed"], steps.map(toCells));
  printLine();
  if (attention.length === 0) printLine(pc.green("Nothing needs a person."));
  for (const each of attention) printLine(toLine(each));
  printLine(toComparison(lastVerification));
}

function toLine(each: Attention): string {
  const since = shortInstant(each.since);
  switch (each.kind) {
    case "failures":
      return `${pc.red(`${each.count}${each.isAtLeast ? "+" : ""} failed`)} ${each.target} ${each.code}: ${each.meaning} ${each.owner} puts it right in ${each.fixIn}. Since ${since}, group ${each.group}`;
    case "verification":
      return `${pc.red("verification")} ${each.title}. ${each.text} Found ${since}. ${each.fix}`;
    default:
      return `${pc.yellow(each.kind)} ${each.target}: ${each.text} Since ${since}`;
  }
}

function toComparison(last: LastVerification | null): string {
  if (last === null) {
    return "F&O was not compared with the targets yet; it is every night, or: causeway verify --since 2d";
  }
  const { at, compared, differing, doubled, missing } = last;
  return `Last compared with F&O ${shortInstant(at)}: ${compared} records, ${missing} missing, ${doubled} doubled, ${differing} differing`;
}

function toCells(step: StepView): readonly string[] {
  const { name, health, mode, perMinute, lag, backlog, openFailures, hasMoreFailures } = step;
  return [
    name,
    health,
    mode,
    perMinute.toFixed(1),
    lag === null ? "" : `≤ ${(lag.medianMs / 1_000).toFixed(1)} s`,
    `${backlog.count}${backlog.isMore ? "+" : ""}`,
    `${openFailures}${hasMoreFailures ? "+" : ""}`,
  ];
}
