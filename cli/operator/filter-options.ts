import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { failureStatuses } from "../../functions/src/recovery/failure.ts";

export interface FilterFlags {
  readonly target?: string;
  readonly group?: string;
  readonly company?: string;
  readonly key?: string;
  readonly status?: string;
  readonly olderThan?: string;
  readonly newerThan?: string;
}

export function withFilterOptions(command: Command): Command {
  return withGroupFilterOptions(command).option(
    "--key <number>",
    "only of this document, e.g. INV-1001 or usmf/INV-1001",
    toName,
  );
}

/** A group has many documents: there is no asking for the groups of one. */
export function withGroupFilterOptions(command: Command): Command {
  return command
    .option("--target <name>", "only of this target: ce, crm, email, intake", toName)
    .option("--group <id>", "only of this group (causeway failures groups)", toName)
    .option("--company <id>", "only of this legal entity", toName)
    .option(
      "--older-than <age>",
      "last failed before: an age such as 2h, 3d, or an instant",
      toInstant,
    )
    .option(
      "--newer-than <age>",
      "last failed since: an age such as 2h, 3d, or an instant",
      toInstant,
    );
}

export function withStatusOption(command: Command): Command {
  return command.option(
    "--status <status>",
    `one of ${failureStatuses.join(", ")} (default: open)`,
  );
}

/** A script's empty variable must not select everything. */
function toName(text: string): string {
  if (text === "") throw new InvalidArgumentError("it is empty; leave it out for all");
  return text;
}

/** The filter as the API takes it. */
export function toFilter(flags: FilterFlags): Readonly<Record<string, string | undefined>> {
  const { target, group, company, key, status, olderThan, newerThan } = flags;
  return { target, group, legalEntity: company, key, status, olderThan, newerThan };
}

const unitsMs: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** An age counts back from now; everything else must be an instant. */
export function toInstant(text: string): string {
  const [, count, unit = ""] = /^(\d+)\s*([smhd])$/.exec(text) ?? [];
  const unitMs = unitsMs[unit];
  if (count !== undefined && unitMs !== undefined) {
    return new Date(Date.now() - Number(count) * unitMs).toISOString();
  }
  const instant = Date.parse(text);
  if (!/^\d{4}-\d{2}-\d{2}/.test(text) || Number.isNaN(instant)) {
    throw new InvalidArgumentError("use an age such as 30m, 2h, 3d, or an ISO 8601 instant");
  }
  return new Date(instant).toISOString();
}
