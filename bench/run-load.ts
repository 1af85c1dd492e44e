import type { Environment } from "../local/environment.ts";
import { callJson, toJsonInit } from "./call-json.ts";
import { checkEffects } from "./check-effects.ts";
import type { TargetCheck } from "./check-effects.ts";
import { measureProcess } from "./measure-processes.ts";
import type { ProcessUse } from "./measure-processes.ts";
import { postEvents } from "./post-events.ts";
import type { BenchAzure } from "./start-bench-azure.ts";
import { connectTargets, watchEffects } from "./watch-effects.ts";
import type { TargetName } from "./watch-effects.ts";

export interface LoadInput {
  readonly azure: BenchAzure;
  readonly events: number;
  readonly only: readonly TargetName[];
  /** Every call of a target takes so much longer. */
  readonly latencyMs: number;
  /** All events are posted before the function app runs on, so that it meets them as a backlog. */
  readonly asBacklog: boolean;
  readonly limitMs: number;
  readonly onProgress: (line: string) => void;
}

export interface ProcessCost {
  readonly cpuMsPerEvent: number | null;
  readonly peakMb: number | null;
  /** Resident before the first event and after the last one. */
  readonly residentMb: readonly [number | null, number | null];
}

export interface LoadResult {
  readonly events: number;
  /** From the first send to the last effect in any target. */
  readonly seconds: number;
  /** Of the slowest target. */
  readonly eventsPerSecond: number;
  readonly postedPerSecond: number;
  readonly targets: Readonly<Partial<Record<TargetName, TargetCheck & { perSecond: number }>>>;
  readonly lost: number;
  readonly doubled: number;
  readonly unknown: number;
  readonly ceRequestsPer1000: number;
  readonly invoicesPerCeRequest: number;
  readonly ceThrottled: number;
  readonly tableRequestsPerEventAndTarget: number;
  readonly processes: Readonly<Record<string, ProcessCost>>;
  readonly cpuMsPerEvent: number;
}

/** So long without news, and a target has nothing more to come. */
const patienceMs = 60_000;
const settleEveryMs = 1_000;
const settleLimitMs = 60_000;

/** Posts, waits, and asks: one load run on a local Azure that is at rest. */
export async function runLoad(input: LoadInput): Promise<LoadResult> {
  const { azure, events, only } = input;
  const { environment } = azure;
  await setLatency(environment, only, input.latencyMs);
  const read = connectTargets(environment);
  const already = Math.max(
    ...(await Promise.all(only.map(async (name) => (await read[name](0)).length))),
  );
  const before = await lookAround(azure);
  const beganAt = Date.now();
  if (input.asBacklog) process.kill(azure.processes["function app"] ?? 0, "SIGSTOP");
  const posting = postEvents(environment.finance.baseUrl, events, {
    door: "eventGrid",
    onProgress: (count) => input.onProgress(`posted ${count} of ${events}`),
  }).finally(() => {
    if (input.asBacklog) process.kill(azure.processes["function app"] ?? 0, "SIGCONT");
  });
  if (input.asBacklog) await posting;
  const watching = watchEffects(environment, {
    wanted: already + events,
    only,
    patienceMs,
    limitMs: input.limitMs,
    onProgress: (counts) =>
      input.onProgress(only.map((name) => `${name} ${(counts[name] ?? 0) - already}`).join(", ")),
  });
  const [posted] = await Promise.all([posting, watching]);
  await untilSettled(azure);
  const after = await lookAround(azure);
  const checks = await Promise.all(
    only.map(async (name) => {
      const effects = (await read[name](0)).slice(already);
      const check = checkEffects(posted, effects);
      const seconds = (check.lastAt - beganAt) / 1000;
      return [name, { ...check, perSecond: effects.length / seconds }] as const;
    }),
  );
  const lastPostAt = Math.max(...posted.map(({ sentAt }) => sentAt));
  const sum = (pick: (check: TargetCheck) => number): number =>
    checks.reduce((total, [, check]) => total + pick(check), 0);
  const ceRequests = after.ce.requests - before.ce.requests;
  const processes = toCosts(before.use, after.use, events);
  return {
    events,
    seconds: Math.max(...checks.map(([, { lastAt }]) => lastAt - beganAt)) / 1000,
    eventsPerSecond: Math.min(...checks.map(([, { perSecond }]) => perSecond)),
    postedPerSecond: events / ((lastPostAt - beganAt) / 1000),
    targets: Object.fromEntries(checks),
    lost: sum(({ lost }) => lost),
    doubled: sum(({ doubled }) => doubled),
    unknown: sum(({ unknown }) => unknown),
    ceRequestsPer1000: (ceRequests / events) * 1000,
    invoicesPerCeRequest: events / ceRequests,
    ceThrottled: (after.ce.byStatus["429"] ?? 0) - (before.ce.byStatus["429"] ?? 0),
    tableRequestsPerEventAndTarget:
      (after.tableRequests - before.tableRequests) / events / only.length,
    processes,
    cpuMsPerEvent: Object.values(processes).reduce(
      (all, { cpuMsPerEvent }) => all + (cpuMsPerEvent ?? 0),
      0,
    ),
  };
}

const urlOf = (environment: Environment, name: TargetName): string =>
  ({ ce: environment.dataverse, crm: environment.crm, email: environment.mail })[name].baseUrl;

async function setLatency(
  environment: Environment,
  only: readonly TargetName[],
  latencyMs: number,
): Promise<void> {
  for (const name of only) {
    const url = `${urlOf(environment, name)}/sim/faults`;
    await callJson(url, latencyMs > 0 ? toJsonInit("PUT", { latencyMs }) : { method: "DELETE" });
  }
}

interface View {
  readonly use: Readonly<Record<string, ProcessUse>>;
  readonly tableRequests: number;
  readonly ce: { readonly requests: number; readonly byStatus: Readonly<Record<string, number>> };
}

async function lookAround(azure: BenchAzure): Promise<View> {
  const entries = Object.entries({ ...azure.processes, bench: process.pid });
  const use = await Promise.all(
    entries.map(async ([name, id]) => [name, await measureProcess(id)] as const),
  );
  const url = `${azure.environment.dataverse.baseUrl}/sim/requests`;
  return {
    use: Object.fromEntries(use),
    tableRequests: await azure.tableRequests(),
    ce: (await callJson(url)) as View["ce"],
  };
}

/** Effects come before the ledger's last words: the run has ended when storage is no longer asked. */
async function untilSettled(azure: BenchAzure): Promise<void> {
  const limitAt = performance.now() + settleLimitMs;
  let before = -1;
  for (let now = await azure.tableRequests(); now > before && performance.now() < limitAt;) {
    before = now;
    await new Promise((resolve) => setTimeout(resolve, settleEveryMs));
    now = await azure.tableRequests();
  }
}

function toCosts(
  before: View["use"],
  after: View["use"],
  events: number,
): Readonly<Record<string, ProcessCost>> {
  return Object.fromEntries(
    Object.entries(after).map(([name, use]) => {
      const earlier = before[name];
      const cpu =
        use.cpuSeconds === null || earlier?.cpuSeconds == null
          ? null
          : ((use.cpuSeconds - earlier.cpuSeconds) / events) * 1000;
      return [
        name,
        {
          cpuMsPerEvent: cpu,
          peakMb: use.peakMb,
          residentMb: [earlier?.residentMb ?? null, use.residentMb],
        },
      ];
    }),
  );
}
