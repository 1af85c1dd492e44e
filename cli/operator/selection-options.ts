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

/** Ends the command when what was said selects nothing, or something else than it seems to. */
export function readSelection(
  command: Command,
  failures: readonly string[],
  flags: SelectionFlags,
): Selection {
  const complaint = complainAbout(failures, flags);
  if (complaint !== undefined) command.error(`error: ${complaint}`);
  const selection = toSelection(failures, flags);
  if (selection === undefined) {
    command.error(`error: say what to ${command.name()}: ${waysToSay(command)}`);
  }
  return selection;
}

function waysToSay({ options }: Command): string {
  const hasWindow = options.some(({ long }) => long === "--from");
  return [
    "failures (<target>/<failureId>)",
    "a filter (--target, --group, --company, --key, --older-than, --newer-than)",
    ...(hasWindow ? ["a time window (--from, --to and --target)"] : []),
    "or everything that is open (--all)",
  ].join(", ");
}

/** A flag that would be left aside selects more than was meant. */
export function complainAbout(
  failures: readonly string[],
  flags: SelectionFlags,
): string | undefined {
  const { all, from, to, target, includeSkipped } = flags;
  const isWindow = from !== undefined || to !== undefined || includeSkipped === true;
  const filters = Object.entries(toFilter(flags)).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  const isNamed = failures.length > 0;
  if (isNamed && (isWindow || filters.length > 0 || all === true)) {
    return "failures are named one by one, or selected by flags; not both";
  }
  if (!isWindow) return undefined;
  if (from === undefined || to === undefined || target === undefined) {
    return "a window needs --from, --to and --target";
  }
  return filters.length > 1 || all === true
    ? "a window takes every delivery of its --target; leave the other filters out"
    : undefined;
}

/** Undefined when nothing was said: that is a wrong call, never everything. */
function toSelection(failures: readonly string[], flags: SelectionFlags): Selection | undefined {
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
