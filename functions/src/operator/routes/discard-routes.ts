import type { AuditLog } from "../../recovery/audit-log.ts";
import { discardFailures } from "../../recovery/discard-failures.ts";
import type { DiscardDependencies } from "../../recovery/discard-failures.ts";
import type { FailureSummary } from "../../recovery/failure.ts";
import { eachFailure } from "../../recovery/find-failures.ts";
import { findNamed } from "../../recovery/find-named.ts";
import type { LeftOut } from "../../recovery/find-named.ts";
import type { Selection } from "../../recovery/replay/replay-job.ts";
import { targetOf } from "../check-target-name.ts";
import type { CheckTargetName } from "../check-target-name.ts";
import { OperatorError } from "../operator-error.ts";
import type { Caller } from "../operator-role.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import {
  checkConfirmed,
  selectionSchema,
  toNothingSelected,
  toSelection,
} from "../read-selection.ts";
import type { SelectionBody } from "../read-selection.ts";

export interface DiscardRoutesOptions extends DiscardDependencies {
  readonly audit: AuditLog;
  readonly checkTargetName: CheckTargetName;
}

interface DiscardBody {
  readonly selection: SelectionBody;
  readonly reason: string;
  readonly confirm?: string;
  readonly dryRun?: boolean;
  /** As the plan gave it back: what failed since then was in no plan, and nobody was asked about it. */
  readonly plannedAt?: string;
}

interface Found {
  readonly failures: readonly FailureSummary[];
  /** Of those that were named. */
  readonly leftOut: readonly LeftOut[];
}

/** As many as a request has time for; who asks for more asks again. */
const maxDiscarded = 2_000;
/** Failures in one row of the audit. */
const namedInRow = 500;

export function createDiscardRoutes(on: DiscardRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "POST",
      path: "failures/discard",
      role: "Operator",
      body: {
        type: "object",
        additionalProperties: false,
        required: ["selection", "reason"],
        properties: {
          selection: selectionSchema,
          reason: { type: "string", minLength: 3, maxLength: 1_000 },
          confirm: { type: "string" },
          dryRun: { type: "boolean" },
          plannedAt: { type: "string", format: "date-time", pattern: "Z$" },
        },
      },
      handle: (call) => discard(on, call),
    },
  ];
}

async function discard(on: DiscardRoutesOptions, { caller, body }: OperatorCall): Promise<unknown> {
  const { selection: given, reason, confirm, dryRun = false, plannedAt } = body as DiscardBody;
  const selection = toSelection(given);
  await on.checkTargetName(targetOf(selection));
  const until = plannedAt === undefined ? on.clock.now() : Date.parse(plannedAt);
  const { failures: found, leftOut } = await select(on, selection, until);
  if (found.length === 0) throw toNothingSelected(leftOut);
  const isMore = found.length > maxDiscarded;
  const chosen = found.slice(0, maxDiscarded);
  if (dryRun) {
    return { matching: chosen.length, isMore, leftOut, plannedAt: new Date(until).toISOString() };
  }
  checkConfirmed(selection, confirm);
  await tell(on, caller, chosen, given, reason);
  const discarded = await discardFailures(on, chosen, reason);
  return { discarded, noLongerOpen: chosen.length - discarded, isMore, leftOut };
}

/** Every one is named, in as many rows as that takes. */
async function tell(
  { audit }: DiscardRoutesOptions,
  caller: Caller,
  chosen: readonly FailureSummary[],
  selection: SelectionBody,
  reason: string,
): Promise<void> {
  const rows = Math.ceil(chosen.length / namedInRow);
  for (let row = 0; row < rows; row += 1) {
    const part = rows === 1 ? "" : `, part ${row + 1} of ${rows}`;
    const named = chosen.slice(row * namedInRow, (row + 1) * namedInRow);
    await audit.write({
      callerId: caller.id,
      caller: caller.name,
      action: "failures.discard",
      subject: chosen.length === 1 ? nameOf(chosen[0]) : `${chosen.length} failures${part}`,
      reason,
      details: {
        selection,
        failureIds: named.map(({ failureId }) => failureId),
      },
    });
  }
}

async function select(
  { failures }: DiscardRoutesOptions,
  selection: Selection,
  until: number,
): Promise<Found> {
  switch (selection.kind) {
    case "ids": {
      const { open, leftOut } = await findNamed(failures, selection.ids);
      return { failures: open, leftOut };
    }
    case "window":
      throw new OperatorError(
        "REQUEST_INVALID",
        "A window selects deliveries to send, not failures to discard.",
        "Use a filter with newerThan and olderThan.",
      );
    case "all":
    case "filter": {
      const filter = selection.kind === "all" ? {} : selection.filter;
      const found: FailureSummary[] = [];
      for await (const page of eachFailure(failures, { ...filter, standsSince: until })) {
        found.push(...page);
        if (found.length > maxDiscarded) break;
      }
      return { failures: found, leftOut: [] };
    }
  }
}

function nameOf(failure: FailureSummary | undefined): string {
  return failure === undefined ? "" : `${failure.target}/${failure.failureId}`;
}
