import { ActionFailure, type ActionHandler } from "../action-call.ts";
import type { StopReason } from "../run-state.ts";
import { toText } from "../wdl/content.ts";
import { toEpochMs } from "../wdl/date-time.ts";
import { parseDate } from "../wdl/parse-date.ts";
import { type WdlValue, getMember, isInteger, isObject, memberOf, toPlain } from "../wdl/values.ts";
import { evaluateInputs, memberOr } from "./data-actions.ts";

/** Answers the caller of a Request trigger. The first Response counts; a second one fails. */
export const runResponse: ActionHandler = (call) => {
  const inputs = evaluateInputs(call);
  const statusCode = toStatusCode(memberOr(inputs, "statusCode", 200));
  const headers = memberOr(inputs, "headers", {});
  const body = getMember(inputs, "body");
  const response = {
    statusCode,
    headers: isObject(headers)
      ? Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, toText(value)]))
      : {},
    body: body === undefined ? undefined : toPlain(body),
  };
  if (!call.run.respond(response)) {
    throw new ActionFailure(
      "ActionResponseSkipped",
      `The action '${call.name}' cannot respond: another Response has answered the caller.`,
    );
  }
  return {
    status: "Succeeded",
    outputs: { statusCode, headers, ...(body === undefined ? {} : { body }) },
  };
};

function toStatusCode(value: WdlValue): number {
  const code = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  const isValid = isInteger(code) && [2, 4, 5].includes(Math.floor(Number(code) / 100));
  if (isValid) return Number(code);
  throw new ActionFailure(
    "InvalidResponse",
    `A Response can have the status codes 2xx, 4xx and 5xx, not '${toText(value)}'.`,
  );
}

export const runTerminate: ActionHandler = (call) => {
  const inputs = evaluateInputs(call);
  const wanted = toText(memberOr(inputs, "runStatus", "")).toLowerCase();
  const statuses: readonly StopReason["status"][] = ["Succeeded", "Failed", "Cancelled"];
  const status = statuses.find((known) => known.toLowerCase() === wanted);
  if (status === undefined) {
    throw new ActionFailure(
      "InvalidTemplate",
      `'${wanted}' is not a status that a run can be terminated with.`,
    );
  }
  const runError = memberOr(inputs, "runError", null);
  const code = memberOf(runError, "code");
  const error = {
    code: code === null ? "Terminated" : toText(code),
    message: toText(memberOf(runError, "message")),
  };
  return {
    status: "Succeeded",
    stop: { status, ...(status === "Failed" ? { code: error.code, error } : {}) },
  };
};

const unitMs: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 30 * 86_400_000,
};

export const runWait: ActionHandler = async (call) => {
  const inputs = evaluateInputs(call);
  const interval = memberOr(inputs, "interval", null);
  const until = toText(memberOf(memberOr(inputs, "until", null), "timestamp"));
  if (until !== "") {
    const time = parseDate(until);
    if (time === undefined)
      throw new ActionFailure("InvalidTemplate", `'${until}' is not a time to wait for.`);
    await call.run.sleep(Math.max(toEpochMs(time) - call.run.clock.now(), 0));
    return { status: "Succeeded" };
  }
  const count = memberOf(interval, "count");
  const ms = unitMs[toText(memberOf(interval, "unit")).toLowerCase()];
  if (!isInteger(count) || ms === undefined) {
    throw new ActionFailure(
      "InvalidTemplate",
      `The wait '${call.name}' needs an interval with a count and a unit.`,
    );
  }
  await call.run.sleep(Math.max(Number(count) * ms, 0));
  return { status: "Succeeded" };
};
