import type { Attention, MinuteCounts, OverviewAnswer, StepView } from "./answers.ts";
import type { FailureCounts, ReadDependencies } from "./read-dependencies.ts";
import { readRates } from "./read-recent.ts";
import type { MinuteSteps } from "./read-recent.ts";
import { readTargetStates } from "./read-targets.ts";
import type { TargetState } from "./read-targets.ts";
import { toLastVerification, toVerificationNeeds } from "./verification-needs.ts";
import { addUp, createStepCounts, lagWithin } from "./step-counts.ts";
import type { StepCounts } from "./step-counts.ts";

const shownMinutes = 60;
/** What "per minute" is taken from: short enough to be live, long enough not to jump. */
const rateMinutes = 5;
/** Unsettled longer than this without an outage or a pause: a person should know. */
const behindMs = 15 * 60_000;

export async function readOverview(on: ReadDependencies): Promise<OverviewAnswer> {
  const [minutes, targets, failures, verifications] = await Promise.all([
    readRates(on, shownMinutes),
    readTargetStates(on),
    on.countFailures(),
    on.listVerifications(),
  ]);
  const now = on.clock.now();
  const steps = targets.map((target) => toStep(target, minutes, failures, now));
  return {
    at: new Date(now).toISOString(),
    environmentKind: on.config.environmentKind,
    steps,
    minutes: minutes.map(toCounts),
    attention: toAttention(steps, failures, toVerificationNeeds(verifications, now)),
    lastVerification: toLastVerification(verifications),
  };
}

function toStep(
  target: TargetState,
  minutes: readonly MinuteSteps[],
  failures: FailureCounts,
  now: number,
): StepView {
  const { name, mode, gate, backlog } = target;
  const counts = (of: readonly MinuteSteps[]): StepCounts =>
    of.flatMap(({ steps }) => steps.get(name) ?? []).reduce(addUp, createStepCounts());
  const hour = counts(minutes);
  const median = lagWithin(hour, 0.5);
  const own = failures.groups.filter((failure) => failure.target === name);
  return {
    name,
    mode,
    gate,
    backlog,
    health: toHealth(target, now),
    perMinute: counts(minutes.slice(-rateMinutes)).settled / rateMinutes,
    lag: median === null ? null : { medianMs: median, p95Ms: lagWithin(hour, 0.95) ?? median },
    openFailures: own.reduce((sum, { count }) => sum + count, 0),
    hasMoreFailures:
      failures.targetsWithMore.includes(name) || own.some(({ isAtLeast }) => isAtLeast),
  };
}

function toHealth({ mode, gate, backlog }: TargetState, now: number): StepView["health"] {
  if (mode === "off") return "off";
  if (gate.state !== "open") return gate.state;
  const isBehind = backlog.oldest !== null && now - Date.parse(backlog.oldest) > behindMs;
  return isBehind ? "behind" : "fine";
}

function toCounts({ minute, steps }: MinuteSteps): MinuteCounts {
  const shown = [...steps].map(
    ([name, { settled, failed, later }]) => [name, { settled, failed, later }] as const,
  );
  return { minute: new Date(minute).toISOString(), steps: Object.fromEntries(shown) };
}

/** Outages stop everything, failures and differences need a decision, pauses may be forgotten, a backlog needs a look. */
function toAttention(
  steps: readonly StepView[],
  failures: FailureCounts,
  verifications: readonly Attention[],
): readonly Attention[] {
  const ofHealth = (kind: "outage" | "paused" | "behind"): readonly Attention[] =>
    steps.filter(({ health }) => health === kind).map((step) => toStepAttention(kind, step));
  const groups = [...failures.groups]
    .sort((a, b) => b.count - a.count)
    .map(({ since, ...group }): Attention => ({
      kind: "failures",
      ...group,
      since: new Date(since).toISOString(),
    }));
  return [
    ...ofHealth("outage"),
    ...groups,
    ...verifications,
    ...ofHealth("paused"),
    ...ofHealth("behind"),
  ];
}

function toStepAttention(kind: "outage" | "paused" | "behind", step: StepView): Attention {
  const { name: target, gate, backlog } = step;
  const waiting = `${backlog.count}${backlog.isMore ? " or more" : ""} waiting`;
  switch (kind) {
    case "outage": {
      const text = `No answer; asked again every minute, nothing is lost. ${waiting}.`;
      return { kind, target, since: gate.since, text };
    }
    case "paused": {
      const by = gate.pause === null ? "" : `${gate.pause.by}: ${gate.pause.reason}. `;
      return { kind, target, since: gate.since, text: `${by}${waiting}.` };
    }
    case "behind":
      return { kind, target, since: backlog.oldest ?? gate.since, text: `${waiting}.` };
  }
}
