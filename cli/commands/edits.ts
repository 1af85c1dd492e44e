import { Command } from "commander";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { printChanges } from "../operator/print-changes.ts";
import type { EventChange } from "../operator/print-changes.ts";
import { moreNote, readPages, toCount } from "../operator/read-pages.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, shortInstant } from "../print.ts";

interface CommonFlags extends StackFlags {
  readonly json?: boolean;
}

export interface Edit {
  readonly id: string;
  readonly state: string;
  readonly target: string;
  readonly failureId: string;
  readonly businessKey: string;
  readonly changes: readonly EventChange[];
  readonly reason: string;
  readonly by: string;
  readonly at: string;
  readonly decidedBy: string;
  readonly decision: string;
  readonly replayId: string;
}

/** `causeway edits`: what was proposed, and what a second person says about it. */
export function editsCommand(): Command {
  return new Command("edits")
    .description("Edits of failed deliveries: proposed by one person, approved by another")
    .addCommand(listCommand())
    .addCommand(approveCommand())
    .addCommand(rejectCommand());
}

function listCommand(): Command {
  const command = new Command("list")
    .description("Edits with what they change, newest first.")
    .option("--limit <count>", "how many", toCount, 50);
  return withStackOptions(command).action(
    async (flags: CommonFlags & { readonly limit: number }) => {
      await withOperator(flags, async (client) => {
        const pages = await readPages<Edit>(client, "edits", "edits", flags.limit);
        const { items: edits, isMore } = pages;
        if (flags.json === true) {
          printJson({ edits, isMore });
          return;
        }
        if (edits.length === 0) printLine("There are no edits.");
        for (const edit of edits) printEdit(edit);
        if (isMore) printLine(moreNote);
      });
    },
  );
}

function printEdit(edit: Edit): void {
  const { id, state, target, businessKey, at, by, reason, changes } = edit;
  printLine(`${id}  ${state}  ${target} ${businessKey}  ${shortInstant(at)} by ${by}: ${reason}`);
  printChanges(changes, "  ");
  const { decidedBy, decision, replayId } = edit;
  if (state === "approved") printLine(`  approved by ${decidedBy}, replay ${replayId}`);
  if (state === "rejected") printLine(`  rejected by ${decidedBy}: ${decision}`);
}

function approveCommand(): Command {
  const command = new Command("approve")
    .description("Says yes to somebody else's edit and replays the one delivery with it.")
    .argument("<id>", "as the list shows it", toId);
  return withStackOptions(command).action(async (id: string, flags: CommonFlags) => {
    await withOperator(flags, async (client) => {
      const edit = await client.post<Edit>(pathOf("edits", id, "approve"));
      if (flags.json === true) printJson(edit);
      else
        printLine(
          `Approved. Look at its replay with: causeway replay status ${edit.replayId} --follow`,
        );
    });
  });
}

function rejectCommand(): Command {
  const command = new Command("reject")
    .description("Says no to an edit; the failure stays open.")
    .argument("<id>", "as the list shows it", toId)
    .requiredOption("--reason <text>", "why; it stays with the edit and in the audit");
  return withStackOptions(command).action(
    async (id: string, flags: CommonFlags & { readonly reason: string }) => {
      await withOperator(flags, async (client) => {
        const { reason } = flags;
        const edit = await client.post<Edit>(pathOf("edits", id, "reject"), { reason });
        if (flags.json === true) printJson(edit);
        else printLine("Rejected.");
      });
    },
  );
}
