import type { FailureStore } from "../recovery/failure-store.ts";
import type { FailureFilter } from "../recovery/find-failures.ts";
import type { FailureStatus } from "../recovery/failure.ts";
import { findNamed } from "../recovery/find-named.ts";
import type { LeftOut } from "../recovery/find-named.ts";
import type { Selection } from "../recovery/replay/replay-job.ts";
import { OperatorError } from "./operator-error.ts";

const text = { type: "string", minLength: 1, maxLength: 500 };
const instant = { type: "string", format: "date-time", pattern: "Z$" };

/** Failures in the text of a refusal. */
const maxNamed = 10;

/** A selection as the API takes it: exactly one of its members. */
export const selectionSchema = {
  type: "object",
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  properties: {
    ids: {
      type: "array",
      minItems: 1,
      // They are kept in the replay's row.
      maxItems: 200,
      items: {
        type: "object",
        additionalProperties: false,
        required: ["target", "failureId"],
        properties: { target: text, failureId: text },
      },
    },
    filter: {
      type: "object",
      additionalProperties: false,
      // A filter that names nothing would be everything, which is said otherwise.
      minProperties: 1,
      properties: {
        target: text,
        group: text,
        legalEntity: text,
        key: text,
        status: { const: "open" },
        olderThan: instant,
        newerThan: instant,
      },
    },
    all: { const: true },
    window: {
      type: "object",
      additionalProperties: false,
      required: ["from", "to", "target"],
      properties: {
        from: instant,
        to: instant,
        target: text,
        includeSkipped: { type: "boolean" },
      },
    },
  },
} as const;

export interface SelectionBody {
  readonly ids?: readonly { readonly target: string; readonly failureId: string }[];
  readonly filter?: Omit<FailureFilter, "olderThan" | "newerThan" | "status" | "standsSince"> & {
    readonly status?: FailureStatus;
    readonly olderThan?: string;
    readonly newerThan?: string;
  };
  readonly all?: true;
  readonly window?: {
    readonly from: string;
    readonly to: string;
    readonly target: string;
    readonly includeSkipped?: boolean;
  };
}

/** For a body that the schema has passed. */
export function toSelection(body: SelectionBody): Selection {
  const { ids, filter, window } = body;
  if (ids !== undefined) return { kind: "ids", ids: toUnique(ids) };
  if (filter !== undefined) {
    const { olderThan, newerThan, ...rest } = filter;
    return {
      kind: "filter",
      filter: {
        ...rest,
        ...(olderThan === undefined ? {} : { olderThan: Date.parse(olderThan) }),
        ...(newerThan === undefined ? {} : { newerThan: Date.parse(newerThan) }),
      },
    };
  }
  if (window === undefined) return { kind: "all" };
  const [from, to] = [Date.parse(window.from), Date.parse(window.to)];
  if (from >= to) {
    throw new OperatorError(
      "REQUEST_INVALID",
      "The window ends before it begins.",
      "`to` must be later than `from`.",
    );
  }
  const { target, includeSkipped = false } = window;
  return { kind: "window", from, to, target, includeSkipped };
}

/** A failure that is named twice is one. */
function toUnique(ids: NonNullable<SelectionBody["ids"]>): NonNullable<SelectionBody["ids"]> {
  const nameOf = ({ target, failureId }: (typeof ids)[number]): string =>
    JSON.stringify([target, failureId]);
  return [...new Map(ids.map((each) => [nameOf(each), each])).values()];
}

/** Everything has to be said twice. */
export function checkConfirmed(selection: Selection, confirm: string | undefined): void {
  if (selection.kind !== "all" || confirm === "all") return;
  throw new OperatorError(
    "CONFIRMATION_MISSING",
    "This is for every open failure of every target.",
    'Look at the plan (dryRun), then send "confirm": "all" besides.',
  );
}

/** Of failures that were named, all are left out. */
export function toNothingSelected(leftOut: readonly LeftOut[] = []): OperatorError {
  const why =
    leftOut.length === 0
      ? "there is no such open failure, or no delivery to send in the window"
      : leftOut.slice(0, maxNamed).map(describe).join("; ");
  const more = leftOut.length > maxNamed ? ` and ${leftOut.length - maxNamed} more` : "";
  return new OperatorError(
    "NOTHING_SELECTED",
    `Nothing matches: ${why}${more}.`,
    "Look with `causeway failures list`; what a replay has already is in status replaying.",
  );
}

function describe({ target, failureId, status }: LeftOut): string {
  return `${target}/${failureId} ${status === null ? "is not there" : `is ${status}`}`;
}

/** Those that were named and are not open; none where failures are selected otherwise. */
export async function leftOutOf(
  failures: Pick<FailureStore, "get">,
  selection: Selection,
): Promise<readonly LeftOut[]> {
  return selection.kind === "ids" ? (await findNamed(failures, selection.ids)).leftOut : [];
}
