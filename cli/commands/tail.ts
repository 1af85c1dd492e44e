import { Command } from "commander";
import { setTimeout as sleep } from "node:timers/promises";
import type { ActivityAnswer, ActivityItem } from "../../functions/src/operator/reads/answers.ts";
import { toInstant } from "../operator/filter-options.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printLine, shortInstant } from "../print.ts";

interface Flags extends StackFlags {
  readonly since?: string;
  readonly once?: boolean;
  readonly json?: boolean;
}

const everyMs = 2_000;

/** `causeway tail`: what happens, as it happens; Ctrl+C ends it. */
export function tailCommand(): Command {
  const command = new Command("tail")
    .description("Outcomes as they happen. With --json one object per line.")
    .option("--since <age>", "begin there: an age such as 10m, or an instant", toInstant)
    .option("--once", "print what there is and end");
  return withStackOptions(command).action(async (flags: Flags) => {
    await withOperator(flags, async (client) => {
      let since = flags.since;
      for (;;) {
        const answer = await client.get<ActivityAnswer>("activity", { since, limit: "200" });
        for (const item of answer.items) print(item, flags.json === true);
        if (answer.omitted > 0 && flags.json !== true) printLine(`… and ${answer.omitted} more`);
        since = answer.next;
        if (answer.items.length > 0) continue;
        if (flags.once === true) return;
        await sleep(everyMs);
      }
    });
  });
}

function print(item: ActivityItem, isJson: boolean): void {
  if (isJson) {
    printLine(JSON.stringify(item));
    return;
  }
  const { at, target, state, hop, attempts, code, subject, eventId } = item;
  printLine(
    `${shortInstant(at)}  ${target.padEnd(6)}  ${state.padEnd(10)}  ${subject ?? eventId}  hop ${hop}, tries ${attempts}  ${code ?? ""}`.trimEnd(),
  );
}
