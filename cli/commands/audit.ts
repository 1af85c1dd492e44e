import { Command } from "commander";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printTable, shortInstant } from "../print.ts";

interface AuditFlags extends StackFlags {
  readonly limit: string;
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
      .option("--limit <count>", "how many decisions (at most 200)", "50"),
  ).action(async (flags: AuditFlags) => {
    await withOperator(flags, async (client) => {
      const answer = await client.get<{ readonly entries: readonly Entry[] }>("audit", {
        limit: flags.limit,
      });
      if (flags.json === true) {
        printJson(answer);
        return;
      }
      printTable(
        ["when", "who", "what", "subject", "why"],
        answer.entries.map(({ at, caller, action, subject, reason }) => [
          shortInstant(at),
          caller,
          action,
          subject,
          reason,
        ]),
      );
    });
  });
}
