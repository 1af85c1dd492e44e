import type { AuditLog } from "../../recovery/audit-log.ts";
import type { FailureStore } from "../../recovery/failure-store.ts";
import { failureStatuses } from "../../recovery/failure.ts";
import type { FailureStatus } from "../../recovery/failure.ts";
import { findFailures } from "../../recovery/find-failures.ts";
import type { FailureFilter } from "../../recovery/find-failures.ts";
import { groupFailures } from "../../recovery/group-failures.ts";
import type { Clock } from "../../platform/clock.ts";
import type { CheckTargetName } from "../check-target-name.ts";
import { OperatorError } from "../operator-error.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import { allowOnly, readInstant, readLimit, readText } from "../read-query.ts";
import { showFailure, showGroup, showSummary } from "../show-failure.ts";

export interface FailureRoutesOptions {
  readonly failures: FailureStore;
  readonly audit: AuditLog;
  readonly checkTargetName: CheckTargetName;
  readonly clock: Clock;
}

const filterNames = ["target", "group", "legalEntity", "key", "status", "olderThan", "newerThan"];

export function createFailureRoutes(on: FailureRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "GET",
      path: "failures",
      role: "Reader",
      handle: async ({ query }) => {
        allowOnly(query, [...filterNames, "limit", "continuation"]);
        const continuation = readText(query, "continuation");
        const page = { limit: readLimit(query), continuation };
        const filter = await readFilter(on, query);
        const { failures, ...rest } = await findFailures(on.failures, filter, page);
        return { failures: failures.map(showSummary), ...rest };
      },
    },
    {
      method: "GET",
      path: "failure-groups",
      role: "Reader",
      handle: async ({ query }) => {
        allowOnly(
          query,
          filterNames.filter((name) => name !== "key"),
        );
        const { groups, targetsWithMore } = await groupFailures(
          on.failures,
          await readFilter(on, query),
        );
        return { groups: groups.map(showGroup), targetsWithMore };
      },
    },
    {
      method: "GET",
      path: "failures/{target}/{failureId}",
      role: "Reader",
      handle: (call) => show(on, call),
    },
    {
      method: "POST",
      path: "failures/{target}/{failureId}/notes",
      role: "Operator",
      body: {
        type: "object",
        additionalProperties: false,
        required: ["text"],
        properties: { text: { type: "string", minLength: 1, maxLength: 2_000 } },
      },
      created: true,
      handle: (call) => addNote(on, call),
    },
  ];
}

async function readFilter(
  { checkTargetName }: FailureRoutesOptions,
  query: URLSearchParams,
): Promise<FailureFilter> {
  const [target, group, legalEntity, key] = ["target", "group", "legalEntity", "key"].map((name) =>
    readText(query, name),
  );
  await checkTargetName(target);
  const olderThan = readInstant(query, "olderThan");
  const newerThan = readInstant(query, "newerThan");
  return {
    ...(target === undefined ? {} : { target }),
    ...(group === undefined ? {} : { group }),
    ...(legalEntity === undefined ? {} : { legalEntity }),
    ...(key === undefined ? {} : { key }),
    ...(olderThan === undefined ? {} : { olderThan }),
    ...(newerThan === undefined ? {} : { newerThan }),
    status: readStatus(query),
  };
}

function readStatus(query: URLSearchParams): FailureStatus {
  const text = readText(query, "status") ?? "open";
  const status = failureStatuses.find((each) => each === text);
  if (status !== undefined) return status;
  throw new OperatorError(
    "REQUEST_INVALID",
    `There is no status ${text}.`,
    `Use one of ${failureStatuses.join(", ")}.`,
  );
}

async function show(
  { failures }: FailureRoutesOptions,
  { caller, params }: OperatorCall,
): Promise<unknown> {
  const { target = "", failureId = "" } = params;
  const failure = await failures.get(target, failureId);
  if (failure === undefined) throw toUnknown(target, failureId);
  return showFailure(failure, await failures.notes(target, failureId), caller);
}

async function addNote(
  on: FailureRoutesOptions,
  { caller, params, body }: OperatorCall,
): Promise<unknown> {
  const { target = "", failureId = "" } = params;
  const { text } = body as { readonly text: string };
  if ((await on.failures.get(target, failureId)) === undefined) throw toUnknown(target, failureId);
  await on.audit.write({
    callerId: caller.id,
    caller: caller.name,
    action: "failures.note",
    subject: `${target}/${failureId}`,
    reason: text,
    details: {},
  });
  const note = { at: on.clock.now(), by: caller.name, text };
  await on.failures.addNote(target, failureId, note);
  return { ...note, at: new Date(note.at).toISOString() };
}

export function toUnknown(target: string, failureId: string): OperatorError {
  return new OperatorError(
    "FAILURE_UNKNOWN",
    `There is no failure ${failureId} of ${target}.`,
    "Look for it with `causeway failures list`; a replay may have given it a new id.",
  );
}
