import { Command } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { ask } from "../operator/ask.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
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

interface Answer {
  readonly matching?: number;
  readonly discarded?: number;
  readonly noLongerOpen?: number;
  readonly isMore: boolean;
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
    const plan = await client.post<Answer>("failures/discard", { selection, reason, dryRun: true });
    const matching = `${plan.matching ?? 0}${plan.isMore ? " and more" : ""}`;
    if (flags.dryRun === true) {
      if (flags.json === true) printJson(plan);
      else printLine(`${matching} would be discarded.`);
      return;
    }
    if (flags.yes !== true && !(await ask(`Discard ${matching} for ever?`))) {
      process.exitCode = exitCodes.failed;
      return;
    }
    const confirm = flags.all === true ? { confirm: "all" } : {};
    let discarded = 0;
    for (let isMore = true; isMore;) {
      const answer = await client.post<Answer>("failures/discard", {
        selection,
        reason,
        ...confirm,
      });
      discarded += answer.discarded ?? 0;
      // What is no longer open is not found again, so every round gets nearer to the end.
      isMore = answer.isMore && (answer.discarded ?? 0) > 0;
    }
    if (flags.json === true) printJson({ discarded });
    else printLine(`${discarded} discarded.`);
  });
}
