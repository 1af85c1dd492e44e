import { Command, Option } from "commander";
import type { VerificationView } from "../../functions/src/operator/reads/answers.ts";
import { exitCodes } from "../exit-codes.ts";
import { toInstant } from "../operator/filter-options.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { followVerification } from "../operator/follow-verification.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { countMoreFindings } from "../operator/count-more-findings.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface ShowFlags extends StackFlags {
  readonly json?: boolean;
}

interface VerifyFlags extends ShowFlags {
  readonly list?: boolean;
  readonly since?: string;
  readonly until?: string;
  readonly repair?: boolean;
  readonly include?: readonly string[];
}

/** `causeway verify`: what F&O has posted against the ledger and the targets. */
export function verifyCommand(): Command {
  const command = new Command("verify")
    .description(
      "Compares what F&O has posted with the ledger and the targets, by time of posting, per legal entity.",
    )
    .option("--since <time>", "an age such as 2d, or an instant", toInstant)
    .option("--until <time>", "default, and the latest: 15 minutes ago", toInstant)
    .option(
      "--repair",
      "begin the deliveries that are missing (at most 100, and 1 % of each target)",
    )
    .addOption(new Option("--list", "the latest verifications").conflicts(["since", "repair"]))
    .addOption(new Option("--include <target...>", "with --repair: mail too").choices(["email"]));
  return withStackOptions(command)
    .action((flags: VerifyFlags) => verify(flags, command))
    .addCommand(showCommand());
}

async function verify(flags: VerifyFlags, command: Command): Promise<void> {
  const { since, until, repair = false, include = [] } = flags;
  if (flags.list !== true && since === undefined) {
    command.error("error: say since when (--since 2d), or ask for --list", {
      exitCode: exitCodes.calledWrongly,
    });
  }
  if (include.length > 0 && !repair) {
    command.error("error: --include says what --repair sends too; add --repair", {
      exitCode: exitCodes.calledWrongly,
    });
  }
  await withOperator(flags, async (client) => {
    if (flags.list === true) {
      await list(client, flags.json === true);
      return;
    }
    const begun = await client.post<VerificationView>("verifications", {
      since,
      ...(until === undefined ? {} : { until }),
      repair,
      include,
    });
    // Whatever keeps us from following it: it goes on, and its report can be found.
    process.stderr.write(
      `Verification ${begun.id} has begun. Look at it with: causeway verify show ${begun.id}\n`,
    );
    report(await followVerification(client, begun.id, { isQuiet: flags.json === true }), flags);
  });
}

function showCommand(): Command {
  const command = new Command("show")
    .description("One verification's report, or how far it is.")
    .argument("<id>", "as --list shows it", toId);
  return withStackOptions(command).action(async (id: string, _flags: ShowFlags, self: Command) => {
    const flags = self.optsWithGlobals<ShowFlags>();
    await withOperator(flags, async (client) => {
      report(await client.get<VerificationView>(pathOf("verifications", id)), flags);
    });
  });
}

function report(verification: VerificationView, flags: ShowFlags): void {
  process.exitCode = toExitCode(verification);
  if (flags.json === true) printJson(verification);
  else print(verification);
}

async function list(client: OperatorClient, isJson: boolean): Promise<void> {
  const answer = await client.get<{ readonly verifications: readonly VerificationView[] }>(
    "verifications",
  );
  if (isJson) {
    printJson(answer);
    return;
  }
  if (answer.verifications.length === 0) printLine("Nothing was verified yet.");
  else
    printTable(
      ["id", "state", "posted from", "until", "by", "missing", "doubled", "differing", "note"],
      answer.verifications.map(({ by, counts, id, note, since, state, until }) => {
        const total = (name: "missing" | "doubled" | "differing"): string =>
          String(counts.reduce((sum, each) => sum + each[name], 0));
        const time = [shortInstant(since), shortInstant(until)];
        return [
          id,
          state,
          ...time,
          by,
          total("missing"),
          total("doubled"),
          total("differing"),
          note,
        ];
      }),
    );
}

function toExitCode({ counts, state }: VerificationView): number {
  if (state !== "done") return exitCodes.failed;
  const isDifferent = counts.some(
    ({ missing, doubled, differing }) => missing + doubled + differing > 0,
  );
  return isDifferent ? exitCodes.needsLooking : exitCodes.done;
}

function print(verification: VerificationView): void {
  const { counts, findings, id, note, since, state, until } = verification;
  printLine(`${id}  ${state}  posted ${shortInstant(since)} to ${shortInstant(until)}`);
  if (counts.length === 0 && state === "done") printLine("F&O has posted nothing in that time.");
  else {
    printTable(
      [
        "company",
        "target",
        "compared",
        "good",
        "missing",
        "doubled",
        "differing",
        "under way",
        "failed",
        "skipped",
        "by",
      ],
      counts.map((each) => [
        each.legalEntity,
        each.target,
        String(each.compared),
        String(each.good),
        String(each.missing),
        String(each.doubled),
        String(each.differing),
        String(each.underWay),
        String(each.failed),
        String(each.skipped),
        each.isAsked ? "target and ledger" : "ledger alone",
      ]),
    );
  }
  if (findings.length > 0) {
    printTable(
      ["what", "target", "document", "cause"],
      findings.map(({ kind, target, legalEntity, number, cause }) => [
        kind,
        target,
        `${legalEntity}/${number}`,
        cause,
      ]),
    );
  }
  const more = countMoreFindings(verification);
  if (more > 0) printLine(`and ${more} more; a shorter time shows them (--since, --until)`);
  if (note !== "") printLine(note);
  if (verification.replayId !== "") printLine(`causeway replay status ${verification.replayId}`);
}
