import { Command } from "commander";
import type { LeftOut } from "../../functions/src/recovery/find-named.ts";
import { exitCodes } from "../exit-codes.ts";
import { ask } from "../operator/ask.ts";
import { discardPlanned } from "../operator/discard-planned.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { leftOutSince, printLeftOut } from "../operator/left-out.ts";
import { withOperator } from "../operator/operator-client.ts";
import { readSelection, withSelectionOptions } from "../operator/selection-options.ts";
import type { SelectionFlags } from "../operator/selection-options.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine } from "../print.ts";

interface DiscardFlags extends StackFlags, SelectionFlags {
  readonly reason: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

interface Plan {
  readonly matching: number;
  readonly isMore: boolean;
  readonly leftOut: readonly LeftOut[];
  readonly plannedAt: string;
}

/** `causeway failures discard`: decides that failures are not to be delivered. */
export function discardCommand(): Command {
  const command = new Command("discard")
    .description("Decides that failures are not to be delivered; cannot be taken back.")
    .requiredOption("--reason <text>", "why; it stays with the failure and in the audit")
    .option("--dry-run", "say how many, and change nothing")
    .option("--yes", "do not ask");
  return withStackOptions(withSelectionOptions(command)).action(discard);
}

async function discard(
  failures: readonly string[],
  flags: DiscardFlags,
  command: Command,
): Promise<void> {
  const selection = readSelection(command, failures, flags);
  const { reason } = flags;
  await withOperator(flags, async (client) => {
    const plan = await client.post<Plan>("failures/discard", { selection, reason, dryRun: true });
    const { leftOut, plannedAt } = plan;
    const matching = `${plan.matching}${plan.isMore ? " and more" : ""}`;
    printLeftOut(leftOut, flags.json);
    if (flags.dryRun === true) {
      if (leftOut.length > 0) process.exitCode = exitCodes.needsLooking;
      if (flags.json === true) printJson(plan);
      else printLine(`${matching} would be discarded.`);
      return;
    }
    if (flags.yes !== true && !(await ask(`Discard ${matching} for ever?`))) {
      process.exitCode = exitCodes.failed;
      return;
    }
    const confirm = flags.all === true ? { confirm: "all" } : {};
    const body = { selection, reason, plannedAt, ...confirm };
    const result = await discardPlanned(client, body);
    const { discarded, decidedByOthers, isMore } = result;
    const isPartial = isMore || decidedByOthers > 0 || result.leftOut.length > 0;
    if (isPartial) process.exitCode = exitCodes.needsLooking;
    if (flags.json === true) {
      printJson(result);
      return;
    }
    printLeftOut(leftOutSince(leftOut, result.leftOut));
    printLine(`${discarded} discarded.`);
    if (decidedByOthers > 0) {
      printLine(`${decidedByOthers} were decided by somebody else meanwhile.`);
    }
    if (isMore) printLine("There are more: somebody else decides about them too. Look again.");
  });
}
