import { Option, InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { toFilter, toInstant, withFilterOptions } from "./filter-options.ts";
import type { FilterFlags } from "./filter-options.ts";

export interface SelectionFlags extends Omit<FilterFlags, "status"> {
  readonly all?: boolean;
  readonly from?: string;
  readonly to?: string;
  readonly includeSkipped?: boolean;
}

type Selection = Readonly<Record<string, unknown>>;

/** What a command works on: ids as arguments, a filter, or everything. */
export function withSelectionOptions(command: Command): Command {
  return withFilterOptions(
    command.argument(
      "[failures...]",
      "single failures, each as <target>/<failureId>",
      (text: string, before: readonly string[] | undefined) => {
        if (!/^[^/]+\/[^/]+$/.test(text)) {
          throw new InvalidArgumentError("name a failure as <target>/<failureId>");
        }
        return [...(before ?? []), text];
      },
    ),
  ).option("--all", "every open failure");
}

/** A window selects deliveries that never failed too. */
export function withWindowOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--from <time>",
        "with --to and --target: a window of event times; deliveries never attempted are part of it",
      ).argParser(toInstant),
    )
    .addOption(new Option("--to <time>", "end of the window, not part of it").argParser(toInstant))
    .option("--include-skipped", "with a window: also deliveries that a rule skipped");
}

/** Undefined when nothing was said: that is a wrong call, never everything. */
export function toSelection(
  failures: readonly string[],
  flags: SelectionFlags,
): Selection | undefined {
  if (failures.length > 0) {
    return {
      ids: failures.map((text) => {
        const [target = "", failureId = ""] = text.split("/");
        return { target, failureId };
      }),
    };
  }
  const { from, to, target, all, includeSkipped } = flags;
  if (from !== undefined && to !== undefined && target !== undefined) {
    return { window: { from, to, target, ...(includeSkipped === true ? { includeSkipped } : {}) } };
  }
  const filter = Object.fromEntries(
    Object.entries(toFilter(flags)).filter(([, value]) => value !== undefined),
  );
  if (Object.keys(filter).length > 0) return { filter };
  return all === true ? { all } : undefined;
}
