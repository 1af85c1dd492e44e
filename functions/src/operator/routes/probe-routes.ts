import type { Clock } from "../../platform/clock.ts";
import { entities } from "../../platform/messages.ts";
import type { Sender } from "../../platform/messages.ts";
import type { AuditLog } from "../../recovery/audit-log.ts";
import type { Probe } from "../../targets/probe.ts";
import { isOver } from "../../targets/probe-rounds.ts";
import type { ProbeRound, ProbeRounds } from "../../targets/probe-rounds.ts";
import { OperatorError } from "../operator-error.ts";
import type { OperatorCall, OperatorRoute } from "../operator-route.ts";
import type { ProbeRoundView } from "../reads/probe-round-view.ts";

export interface ProbeRoutesOptions {
  readonly probe: Pick<Probe, "messages" | "places">;
  readonly rounds: ProbeRounds;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

/** Rounds of the probe: a synthetic event through every target in dry-run (docs/decisions/0080). */
export function createProbeRoutes(on: ProbeRoutesOptions): readonly OperatorRoute[] {
  return [
    {
      method: "POST",
      path: "probes",
      role: "Operator",
      created: true,
      handle: (call) => begin(on, call),
    },
    {
      method: "GET",
      path: "probes/{id}",
      role: "Reader",
      handle: async ({ params }) => {
        const { id = "" } = params;
        const round = await on.rounds.get(id);
        if (round !== undefined) return show(round, on.clock.now());
        throw new OperatorError(
          "PROBE_UNKNOWN",
          `There is no round ${id} of the probe.`,
          "`causeway doctor` begins a new one.",
        );
      },
    },
  ];
}

async function begin(on: ProbeRoutesOptions, { caller }: OperatorCall): Promise<ProbeRoundView> {
  const round = await on.rounds.begin(caller.name, on.probe.places);
  if (round === undefined) {
    throw new OperatorError(
      "PROBE_RUNNING",
      "A round of the probe is under way.",
      "Wait until it is over: three minutes at most.",
    );
  }
  const by = { callerId: caller.id, caller: caller.name };
  const what = { action: "probes.begin", subject: round.id, reason: "", details: {} };
  try {
    await on.audit.write({ ...by, ...what });
    await on.sender.send(entities.integrationEvents, on.probe.messages(round.id));
  } catch (error) {
    // Else it would keep the next one away for three minutes. Where the ledger is away as well, it does.
    await on.rounds.end(round).catch(() => undefined);
    throw error;
  }
  return show(round, on.clock.now());
}

function show(round: ProbeRound, now: number): ProbeRoundView {
  const { answers, at, by, id, places, until } = round;
  const silence = now >= until ? "silent" : "waiting";
  return {
    ...{ id, by },
    at: new Date(at).toISOString(),
    until: new Date(until).toISOString(),
    isOver: isOver(round, now),
    answers: places.map(({ flow, target }) => {
      const found = answers.find((each) => each.flow === flow && each.target === target);
      return found ?? { flow, target, result: silence, code: "", ms: null };
    }),
  };
}
