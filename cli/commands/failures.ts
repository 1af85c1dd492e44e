import { Command } from "commander";
import { editCommand } from "./edit-failure.ts";
import { discardCommand } from "./discard-failures.ts";
import { exitCodes } from "../exit-codes.ts";
import {
  toFilter,
  withFilterOptions,
  withGroupFilterOptions,
  withStatusOption,
} from "../operator/filter-options.ts";
import type { FilterFlags } from "../operator/filter-options.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { moreNote, readPages, toCount } from "../operator/read-pages.ts";
import type { Pages } from "../operator/read-pages.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface CommonFlags extends StackFlags {
  readonly json?: boolean;
}

interface ListFlags extends CommonFlags, FilterFlags {
  readonly limit: number;
}

interface Summary {
  readonly failureId: string;
  readonly target: string;
  readonly status: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly lastAt: string;
  readonly businessKey: string;
}

interface Groups {
  readonly groups: readonly Group[];
  /** Targets that have more groups than these. */
  readonly targetsWithMore: readonly string[];
}

interface Group {
  readonly group: string;
  readonly target: string;
  readonly code: string;
  readonly reason: string;
  readonly owner: string;
  readonly fixIn: string;
  readonly count: number;
  readonly isAtLeast: boolean;
}

/** `causeway failures`: what needs a person, and what was decided about it. */
export function failuresCommand(): Command {
  return new Command("failures")
    .description("Deliveries and events that need a person")
    .addCommand(listCommand())
    .addCommand(groupsCommand())
    .addCommand(showCommand())
    .addCommand(exportCommand())
    .addCommand(discardCommand())
    .addCommand(editCommand())
    .addCommand(noteCommand());
}

function listCommand(): Command {
  const command = new Command("list")
    .description("Failures, newest first.")
    .option("--limit <count>", "how many", toCount, 50);
  return withStackOptions(withStatusOption(withFilterOptions(command))).action(
    async (flags: ListFlags) => {
      await withOperator(flags, async (client) => {
        const { items: failures, isMore } = await readFailures(client, flags, flags.limit);
        if (failures.length === 0) process.exitCode = exitCodes.nothingFound;
        if (flags.json === true) {
          printJson({ failures, isMore });
          return;
        }
        printFailures(failures);
        if (isMore) printLine(moreNote);
      });
    },
  );
}

function readFailures(
  client: OperatorClient,
  flags: FilterFlags,
  wanted: number,
): Promise<Pages<Summary>> {
  return readPages<Summary>(client, "failures", "failures", wanted, toFilter(flags));
}

function printFailures(failures: readonly Summary[]): void {
  if (failures.length === 0) {
    printLine("Nothing matches.");
    return;
  }
  printTable(
    ["last failed", "target", "document", "tries", "code", "id", "reason"],
    failures.map((each) => [
      shortInstant(each.lastAt),
      each.target,
      each.businessKey,
      String(each.attempts),
      each.code,
      each.failureId,
      each.reason,
    ]),
  );
}

function groupsCommand(): Command {
  const command = new Command("groups").description("Failures by cause, biggest group first.");
  return withStackOptions(withStatusOption(withGroupFilterOptions(command))).action(
    async (flags: CommonFlags & Omit<FilterFlags, "key">) => {
      await withOperator(flags, async (client) => {
        const answer = await client.get<Groups>("failure-groups", toFilter(flags));
        if (answer.groups.length === 0) process.exitCode = exitCodes.nothingFound;
        if (flags.json === true) printJson(answer);
        else printGroups(answer);
      });
    },
  );
}

function printGroups({ groups, targetsWithMore }: Groups): void {
  if (groups.length === 0) {
    printLine("Nothing matches.");
    return;
  }
  printTable(
    ["count", "target", "code", "whose", "fix in", "group", "reason of the newest"],
    groups.map((each) => [
      `${each.count}${each.isAtLeast ? "+" : ""}`,
      each.target,
      each.code,
      each.owner,
      each.fixIn,
      each.group,
      each.reason,
    ]),
  );
  if (targetsWithMore.length > 0) {
    printLine(`There are more groups than these of ${targetsWithMore.join(", ")}.`);
  }
}

function showCommand(): Command {
  const command = new Command("show")
    .description("One failure's whole story.")
    .argument("<target>", "ce, crm, email, intake", toId)
    .argument("<failureId>", "as the list shows it", toId);
  return withStackOptions(command).action(
    async (target: string, failureId: string, flags: CommonFlags) => {
      await withOperator(flags, async (client) => {
        const failure = await client.get<Readonly<Record<string, unknown>>>(
          pathOf("failures", target, failureId),
        );
        if (flags.json === true) {
          printJson(failure);
          return;
        }
        for (const [name, value] of Object.entries(failure)) {
          const text = typeof value === "string" ? value : JSON.stringify(value);
          printLine(`${name.padEnd(13)} ${text}`);
        }
      });
    },
  );
}

function exportCommand(): Command {
  const command = new Command("export").description(
    "Every failure that matches with its whole story, one JSON object a line.",
  );
  return withStackOptions(withStatusOption(withFilterOptions(command))).action(
    async (flags: CommonFlags & FilterFlags) => {
      await withOperator(flags, async (client) => {
        const { items: failures } = await readFailures(client, flags, Infinity);
        if (failures.length === 0) process.exitCode = exitCodes.nothingFound;
        for (const { target, failureId } of failures) {
          const failure = await client.get(pathOf("failures", target, failureId));
          printLine(JSON.stringify(failure));
        }
      });
    },
  );
}

function noteCommand(): Command {
  const command = new Command("note")
    .description("Writes a note beside a failure, for whoever looks at it next.")
    .argument("<target>", "ce, crm, email, intake", toId)
    .argument("<failureId>", "as the list shows it", toId)
    .argument("<text>");
  return withStackOptions(command).action(
    async (target: string, failureId: string, text: string, flags: CommonFlags) => {
      await withOperator(flags, async (client) => {
        const note = await client.post(pathOf("failures", target, failureId, "notes"), { text });
        if (flags.json === true) printJson(note);
        else printLine("Noted.");
      });
    },
  );
}
