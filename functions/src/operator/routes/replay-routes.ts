import type { Clock } from "../../platform/clock.ts";
import type { AuditLog } from "../../recovery/audit-log.ts";
import { mayHaveAny, planReplay } from "../../recovery/replay/plan-replay.ts";
import { previewChanges } from "../../recovery/replay/preview-changes.ts";
import type { RebuildDependencies } from "../../recovery/replay/rebuild-events.ts";
import { addCounts, noCounts, toNewReplay } from "../../recovery/replay/replay-job.ts";
import type { ReplayItem, ReplayJob } from "../../recovery/replay/replay-job.ts";
import { toReplayId } from "../../recovery/replay/replay-store.ts";
import type { ReplayStore, ReplayWish } from "../../recovery/replay/replay-store.ts";
import type { SelectDependencies } from "../../recovery/replay/select-deliveries.ts";
import { targetOf } from "../check-target-name.ts";
import type { CheckTargetName } from "../check-target-name.ts";
import { OperatorError } from "../operator-error.ts";
import { mayActAs } from "../operator-role.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import { allowOnly, readLimit, readText } from "../read-query.ts";
import {
  checkConfirmed,
  leftOutOf,
  selectionSchema,
  toNothingSelected,
  toSelection,
} from "../read-selection.ts";
import type { SelectionBody } from "../read-selection.ts";

export interface ReplayRoutesOptions extends SelectDependencies, RebuildDependencies {
  readonly audit: AuditLog;
  readonly checkTargetName: CheckTargetName;
  readonly clock: Clock;
  readonly replays: ReplayStore;
  readonly defaultPerSecond: number;
  /** Begins at once what the timer would find within a minute. */
  readonly kick: (id: string) => void;
}

interface ReplayBody {
  readonly selection: SelectionBody;
  readonly asStored?: boolean;
  readonly perSecond?: number;
  readonly steps?: readonly number[];
  readonly stopShare?: number;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly confirm?: string;
}

const defaultSteps = [1, 10, 100, 1_000];
const defaultStopShare = 0.1;
const bodySchema = {
  type: "object",
  additionalProperties: false,
  required: ["selection"],
  properties: {
    selection: selectionSchema,
    asStored: { type: "boolean" },
    perSecond: { type: "number", exclusiveMinimum: 0, maximum: 1_000 },
    steps: {
      type: "array",
      minItems: 1,
      maxItems: 20,
      items: { type: "integer", minimum: 1, maximum: 5_000 },
    },
    stopShare: { type: "number", minimum: 0, maximum: 1 },
    dryRun: { type: "boolean" },
    reason: { type: "string", maxLength: 1_000 },
    confirm: { type: "string" },
  },
};

export function createReplayRoutes(on: ReplayRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "POST",
      path: "replays",
      role: "Operator",
      body: bodySchema,
      created: true,
      handle: (call) => begin(on, call),
    },
    {
      method: "GET",
      path: "replays",
      role: "Reader",
      handle: async ({ query }) => {
        allowOnly(query, ["limit", "continuation"]);
        const continuation = readText(query, "continuation");
        const { jobs, ...rest } = await on.replays.list({ limit: readLimit(query), continuation });
        return { replays: jobs.map(showJob), ...rest };
      },
    },
    {
      method: "GET",
      path: "replays/{id}",
      role: "Reader",
      handle: async ({ params }) => showJob(await find(on, params["id"])),
    },
    {
      method: "GET",
      path: "replays/{id}/items",
      role: "Reader",
      handle: (call) => listItems(on, call),
    },
    wishRoute(on, "pause", "pause"),
    wishRoute(on, "resume", "run"),
    wishRoute(on, "cancel", "cancel"),
  ];
}

async function begin(on: ReplayRoutesOptions, { caller, body }: OperatorCall): Promise<unknown> {
  const given = body as ReplayBody;
  const selection = toSelection(given.selection);
  await on.checkTargetName(targetOf(selection));
  const now = on.clock.now();
  const leftOut = await leftOutOf(on.failures, selection);
  if (given.dryRun === true) {
    const plan = await planReplay(on, selection);
    if (plan.total === 0 && !plan.isAtLeast) throw toNothingSelected(leftOut);
    const isAsStored = given.asStored ?? false;
    const examples = isAsStored
      ? plan.examples.map(({ target, businessKey }) => ({ target, businessKey, changes: [] }))
      : await previewChanges(on, plan.examples);
    return { plan: { ...plan, examples, leftOut } };
  }
  checkConfirmed(selection, given.confirm);
  if (!(await mayHaveAny(on, selection))) throw toNothingSelected(leftOut);
  const job = toJob(on, given, now, { by: caller.name, byId: caller.id });
  await on.audit.write({
    callerId: caller.id,
    caller: caller.name,
    action: "replays.begin",
    subject: job.id,
    reason: job.reason,
    details: { selection: given.selection, options: job.options },
  });
  await on.replays.create(job);
  on.kick(job.id);
  return { ...showJob(job), leftOut };
}

function toJob(
  on: ReplayRoutesOptions,
  given: ReplayBody,
  now: number,
  who: Pick<ReplayJob, "by" | "byId">,
): ReplayJob {
  const perSecond = given.perSecond ?? on.defaultPerSecond;
  return toNewReplay({
    id: toReplayId(now),
    selection: toSelection(given.selection),
    options: {
      asStored: given.asStored ?? false,
      perSecond,
      steps: given.steps ?? defaultSteps,
      stopShare: given.stopShare ?? defaultStopShare,
    },
    reason: given.reason ?? "",
    ...who,
    createdAt: now,
  });
}

function wishRoute(on: ReplayRoutesOptions, verb: string, wish: ReplayWish): OperatorRoute {
  return {
    method: "POST",
    path: `replays/{id}/${verb}`,
    role: "Operator",
    handle: async ({ caller, params }) => {
      const job = await find(on, params["id"]);
      if (job.endedAt !== null) {
        throw new OperatorError(
          "REPLAY_ENDED",
          `The replay ${job.id} is ${job.state}; it cannot be told to ${verb}.`,
          "Begin another one for what is still open.",
        );
      }
      await on.audit.write({
        callerId: caller.id,
        caller: caller.name,
        action: `replays.${verb}`,
        subject: job.id,
        reason: "",
        details: {},
      });
      await on.replays.setWish(job.id, wish);
      on.kick(job.id);
      return showJob(job);
    },
  };
}

async function find(on: ReplayRoutesOptions, id = ""): Promise<ReplayJob> {
  const job = await on.replays.get(id);
  if (job !== undefined) return job;
  throw new OperatorError(
    "REPLAY_UNKNOWN",
    `There is no replay ${id}.`,
    "`causeway replay list` shows those that there are.",
  );
}

async function listItems(
  on: ReplayRoutesOptions,
  { caller, params, query }: OperatorCall,
): Promise<unknown> {
  allowOnly(query, ["limit", "continuation"]);
  const { id, total } = await find(on, params["id"]);
  const from = Number(readText(query, "continuation") ?? 0);
  if (!Number.isInteger(from) || from < 0) {
    throw new OperatorError("REQUEST_INVALID", "The continuation is none.", "Begin anew.");
  }
  const below = from + readLimit(query);
  const items = await on.replays.items(id, from, below);
  return {
    items: items.map((item) => showItem(item, mayActAs(caller, "Operator"))),
    ...(below < total ? { continuation: String(below) } : {}),
  };
}

/** Changes may be names and addresses: their values are for those who may act on them. */
function showItem(item: ReplayItem, mayAct: boolean): Record<string, unknown> {
  const { target, failureId, eventId, businessKey, state, generation, outcome } = item;
  const changes = mayAct
    ? item.changes
    : item.changes.map(({ path }) => ({ path, before: "***", after: "***" }));
  return { target, failureId, eventId, businessKey, state, generation, outcome, changes };
}

function showJob(job: ReplayJob): Record<string, unknown> {
  const last = job.steps.at(-1);
  const current = last?.endedAt === null ? last : noCounts;
  const { delivered, skipped, failedAgain, refused, underWay } = addCounts(job.ended, current);
  const { isFollowed, options, reason, by, total, note, perSecondNow } = job;
  return {
    id: job.id,
    state: job.state,
    isFollowed,
    selection: job.selection,
    options,
    perSecondNow,
    reason,
    by,
    createdAt: iso(job.createdAt),
    endedAt: job.endedAt === null ? null : iso(job.endedAt),
    isPlanned: job.planCursor === null,
    total,
    counts: {
      waiting: total - delivered - skipped - failedAgain - refused - underWay,
      underWay,
      delivered,
      skipped,
      failedAgain,
      refused,
    },
    steps: job.steps.map((step) => ({
      ...step,
      startedAt: iso(step.startedAt),
      endedAt: step.endedAt === null ? null : iso(step.endedAt),
    })),
    note,
  };
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
