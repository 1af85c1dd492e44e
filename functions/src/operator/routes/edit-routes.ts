import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isWithoutBody } from "../../delivery/ledger-bodies.ts";
import { intakeTarget } from "../../delivery/ledger-keys.ts";
import type { DeliveryId } from "../../delivery/ledger-rows.ts";
import type { SchemaSet } from "../../flows/schema-set.ts";
import type { AuditLog } from "../../recovery/audit-log.ts";
import { editEvent, editablePaths } from "../../recovery/edits/edit-event.ts";
import type { EditStore, StoredEdit } from "../../recovery/edits/edit-store.ts";
import type { Edit, WantedChange } from "../../recovery/edits/edit.ts";
import { replayEdit } from "../../recovery/edits/replay-edit.ts";
import type { ReplayEditDependencies } from "../../recovery/edits/replay-edit.ts";
import type { FailureStore } from "../../recovery/failure-store.ts";
import type { StoredFailure } from "../../recovery/failure.ts";
import { toReplayId } from "../../recovery/replay/replay-store.ts";
import { OperatorError } from "../operator-error.ts";
import { mayActAs } from "../operator-role.ts";
import type { Caller } from "../operator-role.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import { allowOnly, readLimit, readText } from "../read-query.ts";
import { toUnknown } from "./failure-routes.ts";

export interface EditRoutesOptions extends ReplayEditDependencies {
  /** Off: nobody edits, and nobody approves what was proposed before. */
  readonly allowEdits: boolean;
  readonly edits: EditStore;
  readonly failures: FailureStore;
  readonly schemas: SchemaSet;
  readonly audit: AuditLog;
  readonly kick: (replayId: string) => void;
}

interface EditBody {
  readonly changes: readonly WantedChange[];
  readonly reason: string;
}

const reason = { type: "string", minLength: 3, maxLength: 1_000 };
const editSchema = {
  type: "object",
  additionalProperties: false,
  required: ["changes", "reason"],
  properties: {
    reason,
    changes: {
      type: "array",
      minItems: 1,
      maxItems: 20,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["path", "value"],
        properties: {
          path: { type: "string", minLength: 1, maxLength: 200 },
          value: { type: ["string", "null"], maxLength: 1_000 },
        },
      },
    },
  },
};

export function createEditRoutes(on: EditRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "POST",
      path: "failures/{target}/{failureId}/edits",
      role: "Operator",
      body: editSchema,
      created: true,
      handle: (call) => propose(on, call),
    },
    {
      method: "GET",
      path: "edits",
      role: "Reader",
      handle: async ({ caller, query }) => {
        allowOnly(query, ["limit", "continuation"]);
        const continuation = readText(query, "continuation");
        const { edits, ...rest } = await on.edits.list({ limit: readLimit(query), continuation });
        return { edits: edits.map((edit) => showEdit(edit, caller)), ...rest };
      },
    },
    {
      method: "POST",
      path: "edits/{id}/approve",
      role: "Approver",
      handle: (call) => approve(on, call),
    },
    {
      method: "POST",
      path: "edits/{id}/reject",
      role: "Approver",
      body: {
        type: "object",
        additionalProperties: false,
        required: ["reason"],
        properties: { reason },
      },
      handle: (call) => reject(on, call),
    },
  ];
}

async function propose(on: EditRoutesOptions, call: OperatorCall): Promise<unknown> {
  checkEnabled(on);
  const { caller, body } = call;
  const { target = "", failureId = "" } = call.params;
  const given = body as EditBody;
  const failure = await findOpen(on, target, failureId);
  const { eventId, time, businessKey } = failure;
  if (target === intakeTarget || eventId === "") {
    throw new OperatorError(
      "EDIT_INVALID",
      "This failure has no event of ours yet: what F&O sent cannot be edited here.",
      "Put it right in F&O or in the flow, and replay it.",
    );
  }
  const stored = await loadEvent(on, { eventId, time, target });
  const edited = editEvent(stored, given.changes, on.schemas);
  if (edited.kind !== "edited") throw toRefusal(edited);
  const at = on.clock.now();
  const edit: Edit = {
    ...{ id: toReplayId(at), state: "proposed", target, failureId, eventId, time, businessKey },
    ...{ changes: edited.changes, reason: given.reason, by: caller.name, byId: caller.id, at },
    ...{ decidedBy: "", decidedAt: null, decision: "", replayId: "" },
  };
  await tell(on, caller, "edits.propose", edit, given.reason);
  await on.edits.propose(edit, edited.event);
  return showEdit(edit, caller);
}

async function approve(on: EditRoutesOptions, call: OperatorCall): Promise<unknown> {
  checkEnabled(on);
  const { caller } = call;
  const stored = await find(on, call.params["id"]);
  const { edit } = stored;
  if (edit.byId === caller.id) {
    throw new OperatorError(
      "EDIT_OWN",
      "This edit is your own: somebody else has to approve it.",
      "Ask another person with the app role Approver; you may reject it yourself.",
    );
  }
  // Approved, and the process ended before the replay was there: it is begun now.
  const isUnfinished =
    edit.state === "approved" && (await on.replays.get(edit.replayId)) === undefined;
  if (edit.state !== "proposed" && !isUnfinished) throw toDecided(edit);
  if (stored.event === null) throw toRetentionOver();
  await findOpen(on, edit.target, edit.failureId);
  const decidedAt = on.clock.now();
  const replayId = isUnfinished ? edit.replayId : toReplayId(decidedAt);
  await tell(on, caller, "edits.approve", edit, "");
  const decision = { state: "approved", decidedBy: caller.name, decidedAt, replayId } as const;
  await decide(on, caller, stored, decision);
  await replayEdit(on, { edit, event: stored.event }, replayId, caller);
  on.kick(replayId);
  return showEdit({ ...edit, ...decision }, caller);
}

async function reject(on: EditRoutesOptions, call: OperatorCall): Promise<unknown> {
  checkEnabled(on);
  const { caller, body } = call;
  const given = body as Pick<EditBody, "reason">;
  const stored = await find(on, call.params["id"]);
  if (stored.edit.state !== "proposed") throw toDecided(stored.edit);
  await tell(on, caller, "edits.reject", stored.edit, given.reason);
  const decidedAt = on.clock.now();
  const decidedBy = caller.name;
  const decision = { state: "rejected", decidedBy, decidedAt, decision: given.reason } as const;
  await decide(on, caller, stored, decision);
  return showEdit({ ...stored.edit, ...decision }, caller);
}

/** The audit has its row by now: of one that came too late it says so too. */
async function decide(
  on: EditRoutesOptions,
  caller: Caller,
  stored: StoredEdit,
  decision: Partial<Edit>,
): Promise<void> {
  if (await on.edits.decide(stored, decision)) return;
  const why = `not ${decision.state ?? "decided"}: somebody else was faster`;
  await tell(on, caller, "edits.overtaken", stored.edit, why);
  throw toDecided(stored.edit);
}

/** A body whose retention is over cannot be edited: there is nothing left to be changed. */
async function loadEvent({ ledger }: EditRoutesOptions, id: DeliveryId): Promise<CanonicalEvent> {
  try {
    return await ledger.loadDeliveryBody(id);
  } catch (error) {
    if (isWithoutBody(error)) throw toRetentionOver();
    throw error;
  }
}

function toRetentionOver(): OperatorError {
  return new OperatorError(
    "BODY_RETENTION_OVER",
    "The body's retention is over: there is no event left to edit.",
    "Replay the failure; it reads F&O again.",
  );
}

function checkEnabled({ allowEdits }: EditRoutesOptions): void {
  if (allowEdits) return;
  throw new OperatorError(
    "EDITS_NOT_ENABLED",
    "This stack does not allow edits.",
    "Put the cause right in F&O and replay; or set allowEdits in causeway:operator and deploy.",
  );
}

async function findOpen(
  on: EditRoutesOptions,
  target: string,
  failureId: string,
): Promise<StoredFailure> {
  const failure = await on.failures.get(target, failureId);
  if (failure === undefined) throw toUnknown(target, failureId);
  if (failure.status === "open") return failure;
  throw new OperatorError(
    "FAILURE_DECIDED",
    `The failure ${failureId} is ${failure.status}: there is nothing to edit any more.`,
    "Look at it with `causeway failures show`; a failed replay leaves a new failure (replacedBy).",
  );
}

async function find(on: EditRoutesOptions, id = ""): Promise<StoredEdit> {
  const stored = await on.edits.get(id);
  if (stored !== undefined) return stored;
  throw new OperatorError(
    "EDIT_UNKNOWN",
    `There is no edit ${id}.`,
    "`causeway edits list` shows those that there are.",
  );
}

function toRefusal(edited: Exclude<ReturnType<typeof editEvent>, { kind: "edited" }>): Error {
  switch (edited.kind) {
    case "protected":
      return new OperatorError(
        "EDIT_PROTECTED",
        `${edited.path} may not be edited; only these may: ${editablePaths}.`,
        "Amounts, accounts, numbers and dates are put right in F&O; a replay then reads them.",
      );
    case "invalid":
      return new OperatorError(
        "EDIT_INVALID",
        `The edited event would not be valid: ${edited.problems.slice(0, 5).join("; ")}.`,
        "Correct the edit; nothing was changed.",
      );
    case "same":
      return new OperatorError(
        "EDIT_INVALID",
        "The edit changes nothing: the event has these values already.",
        "Replay the failure as it is.",
      );
  }
}

function toDecided(edit: Edit): OperatorError {
  const how = edit.state === "proposed" ? "decided by somebody else just now" : edit.state;
  return new OperatorError(
    "EDIT_DECIDED",
    `The edit ${edit.id} is ${how}.`,
    "Look with `causeway edits list`; propose another edit when the failure is still open.",
  );
}

/** Paths without values: the audit keeps no names and addresses. */
async function tell(
  on: EditRoutesOptions,
  caller: Caller,
  action: string,
  edit: Edit,
  why: string,
): Promise<void> {
  await on.audit.write({
    callerId: caller.id,
    caller: caller.name,
    action,
    subject: `${edit.target}/${edit.failureId}`,
    reason: why,
    details: { editId: edit.id, paths: edit.changes.map(({ path }) => path) },
  });
}

/** Who may act on it sees the values; they are names and addresses. */
function showEdit(edit: Edit, caller: Caller): Record<string, unknown> {
  const { id, state, target, failureId, eventId, businessKey, reason: why, by } = edit;
  const { decidedBy, decidedAt, decision, replayId, changes } = edit;
  const isMasked = !mayActAs(caller, "Operator");
  return {
    ...{ id, state, target, failureId, eventId, businessKey, reason: why, by },
    ...{ decidedBy, decision, replayId },
    at: new Date(edit.at).toISOString(),
    decidedAt: decidedAt === null ? null : new Date(decidedAt).toISOString(),
    changes: isMasked
      ? changes.map(({ path }) => ({ path, before: "***", after: "***" }))
      : changes,
  };
}
