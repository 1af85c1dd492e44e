import type { Gates } from "./delivery/gates.ts";
import type { LoadedFlow, LoadedTarget } from "./flows/load-flows.ts";
import type { AppConfig, TargetSettings } from "./platform/config.ts";
import { HttpError } from "./platform/http.ts";
import type { Http } from "./platform/http.ts";
import { createProbe } from "./targets/probe.ts";
import type { Probe } from "./targets/probe.ts";
import type { ProbeRounds } from "./targets/probe-rounds.ts";
import { createAskBehind, createTargets } from "./compose-targets.ts";
import type { TargetsInput } from "./compose-targets.ts";

/**
 * The probe over targets of its own: dry by their flows, by their settings and by a door that lets only reads
 * through. What asks behind a workflow has to pass that door, and can say nothing but its one question.
 */
export function composeProbe(
  input: TargetsInput,
  gates: Pick<Gates, "read">,
  rounds: Pick<ProbeRounds, "answer">,
): Probe {
  const flows = input.flows.map(toDryFlow);
  const targets = createTargets({
    ...input,
    flows,
    config: toDryConfig(input.config),
    http: onlyReads(input.http),
    dataverseHttp: onlyReads(input.dataverseHttp),
  });
  return createProbe({
    targets: targets.map(({ target }) => target),
    flows: flows.map(({ name, targets: named }) => ({ name, targets: Object.keys(named) })),
    clock: input.clock,
    telemetry: input.telemetry,
    rounds,
    behind: createAskBehind(input),
    isCalled: (target) =>
      gates.read(target).then(
        ({ state, paused }) => state === "open" && paused === null,
        // The ledger away is no reason not to ask.
        () => true,
      ),
  });
}

/** For every company and at any age. */
function toDryFlow(loaded: LoadedFlow): LoadedFlow {
  const targets = Object.entries(loaded.targets).map(([name, target]): [string, LoadedTarget] => {
    const definition = without(target.definition, ["legalEntities", "maxAge"]);
    return [name, { ...target, definition: { ...definition, mode: "dryRun" } }];
  });
  const definitions = targets.map(([name, { definition }]) => [name, definition] as const);
  return {
    ...loaded,
    flow: { ...loaded.flow, targets: Object.fromEntries(definitions) },
    targets: Object.fromEntries(targets),
  };
}

function toDryConfig(config: AppConfig): AppConfig {
  const targets = Object.entries(config.targets).map(([name, settings]) => {
    const rest: TargetSettings = without(settings, ["legalEntities", "goLive"]);
    return [name, { ...rest, mode: "dryRun" as const }] as const;
  });
  return { ...config, targets: Object.fromEntries(targets) };
}

function without<T extends object, Name extends keyof T>(
  record: T,
  names: readonly Name[],
): Omit<T, Name> {
  const rest = { ...record };
  for (const name of names) Reflect.deleteProperty(rest, name);
  return rest;
}

/** The last word: a mistake above could then still write nothing anywhere. */
function onlyReads(http: Http): Http {
  return (request) =>
    request.method === "GET"
      ? http(request)
      : Promise.reject(new HttpError("CONNECTION_FAILED", request, false));
}
