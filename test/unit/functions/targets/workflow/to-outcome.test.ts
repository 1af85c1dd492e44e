import { expect, it } from "@jest/globals";
import { toRetry } from "../../../../../functions/src/targets/workflow/to-outcome.ts";
import type { WorkflowAnswer } from "../../../../../functions/src/targets/workflow/workflow-call.ts";

const refused = (status: number, afterMs?: number): WorkflowAnswer => ({
  ...{ kind: "refused", status, reason: "" },
  afterMs,
});
const told = (body: object): WorkflowAnswer => ({ kind: "answered", status: 503, body });

it.each<[string, WorkflowAnswer, number | undefined]>([
  ["throttling says for how long", refused(429, 7_000), 7_000],
  ["throttling that does not say for how long is one for half a minute", refused(429), 30_000],
  ["throttling for no time at all is one for half a minute", refused(429, 0), 30_000],
  [
    "a service's throttling that does not say for how long is one for half a minute",
    told({ status: "retry", code: "CRM_THROTTLED" }),
    30_000,
  ],
  ["a refusal has no pause of its own", refused(403), undefined],
  ["a failure has no pause of its own", told({ status: "retry", code: "CRM_LOCKED" }), undefined],
])("%s", (_title, answer, expected) => {
  const outcome = toRetry(answer, "CRM");
  expect(outcome.kind === "retry" && outcome.afterMs).toBe(expected);
});
