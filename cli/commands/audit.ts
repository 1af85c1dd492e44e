import { Command } from "commander";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { moreNote, readPages, toCount } from "../operator/read-pages.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface AuditFlags extends StackFlags {
  readonly limit: number;
  readonly json?: boolean;
}

interface Entry {
  readonly at: string;
  readonly caller: string;
  readonly action: string;
  readonly subject: string;
  readonly reason: string;
}

/** `causeway audit`: who decided what, newest first. */
export function auditCommand(): Command {
  return withStackOptions(
    new Command("audit")
      .description("Who decided what, when and why; newest first.")
      .option("--limit <count>", "how many decisions", toCount, 50),
  ).action(async (flags: AuditFlags) => {
    await withOperator(flags, async (client) => {
      const pages = await readPages<Entry>(client, "audit", "entries", flags.limit);
      const { items: entries, isMore } = pages;
      if (flags.json === true) {
        printJson({ entries, isMore });
        return;
      }
      if (entries.length === 0) {
        printLine("Nobody has decided anything yet.");
        return;
      }
      printTable(
        ["when", "who", "what", "subject", "why"],
        entries.map(({ at, caller, action, subject, reason }) => [
          shortInstant(at),
          caller,
          action,
          subject,
          reason,
        ]),
      );
      if (isMore) printLine(moreNote);
    });
  });
}
