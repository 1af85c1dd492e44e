import { describe, expect, it } from "@jest/globals";
import { Command } from "commander";
import {
  complainAbout,
  readSelection,
  withSelectionOptions,
  withWindowOptions,
} from "../../../cli/operator/selection-options.ts";
import type { SelectionFlags } from "../../../cli/operator/selection-options.ts";

/** What `causeway replay` complains of; undefined when it would go on. */
function complain(...args: readonly string[]): string | undefined {
  let complaint: string | undefined;
  const command = withWindowOptions(withSelectionOptions(new Command("replay")))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action((failures: readonly string[], flags: SelectionFlags) => {
      complaint = complainAbout(failures, flags);
    });
  command.parse(args, { from: "user" });
  return complaint;
}

/** Throws what it ends with. */
function callWithout(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action((failures: readonly string[], flags: SelectionFlags) => {
      readSelection(command, failures, flags);
    })
    .parse([], { from: "user" });
}

describe("what a command is to work on", () => {
  it.each([
    [["ce/f-1", "ce/f-2"]],
    [["--target", "ce", "--company", "usmf"]],
    [["--all"]],
    [["--target", "ce", "--from", "2026-11-01", "--to", "2026-11-02", "--include-skipped"]],
  ])("is clear from %j", (args) => {
    expect(complain(...args)).toBeUndefined();
  });

  it.each([
    [["--target", "ce", "--from", "2026-11-01"], "a window needs --from, --to and --target"],
    [["--from", "2d", "--to", "1d"], "a window needs --from, --to and --target"],
    [["--target", "ce", "--include-skipped"], "a window needs --from, --to and --target"],
    [
      ["--target", "ce", "--from", "2d", "--to", "1d", "--company", "usmf"],
      "a window takes every delivery of its --target; leave the other filters out",
    ],
    [
      ["ce/f-1", "--company", "usmf"],
      "failures are named one by one, or selected by flags; not both",
    ],
  ])("is not guessed from %j", (args, expected) => {
    expect(complain(...args)).toBe(expected);
  });

  it("is asked for with every way to say it when nothing was said", () => {
    const all = "or everything that is open (--all)";
    const common = [
      "failures (<target>/<failureId>)",
      "a filter (--target, --group, --company, --key, --older-than, --newer-than)",
    ].join(", ");
    const discard = withSelectionOptions(new Command("discard"));
    const replay = withWindowOptions(withSelectionOptions(new Command("replay")));

    expect(() => callWithout(discard)).toThrow(`error: say what to discard: ${common}, ${all}`);
    expect(() => callWithout(replay)).toThrow(
      `error: say what to replay: ${common}, a time window (--from, --to and --target), ${all}`,
    );
  });

  it("is no filter that is empty", () => {
    expect(() => complain("--company", "")).toThrow("it is empty; leave it out for all");
  });
});
