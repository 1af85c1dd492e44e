import type {
  ProbeAnswerView,
  ProbeRoundView,
} from "../../functions/src/operator/reads/probe-round-view.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import type { Finding } from "./findings.ts";

const pollMs = 1_000;

/**
 * Sends a synthetic event through every target in dry-run and waits until each has answered or the round's time
 * (three minutes) is up. Throws what the operator API refuses with: needs its role Operator.
 */
export async function probeTargets(
  client: OperatorClient,
  clock: Clock,
): Promise<readonly Finding[]> {
  let round = await client.post<ProbeRoundView>("probes");
  while (!round.isOver) {
    await clock.sleep(pollMs);
    round = await client.get<ProbeRoundView>(`probes/${round.id}`);
  }
  return round.answers.map(toFinding);
}

function toFinding({ code, flow, ms, result, target }: ProbeAnswerView): Finding {
  const check = `A synthetic event of ${flow} gets through ${target} in dry-run`;
  const took = ms === null ? "" : ` after ${(ms / 1_000).toFixed(1)} s`;
  switch (result) {
    case "ok":
      return { check, result: "ok" };
    case "failed":
      return {
        ...{ check, result: "wrong", seen: `${code}${took}` },
        fix: `docs/runbook.md#${code.toLowerCase()} says what to do`,
      };
    case "late":
      return {
        ...{ check, result: "wrong", seen: `it came through${took}` },
        fix: "messages wait before the target: docs/runbook.md#alert-oldest-undelivered",
      };
    case "notCalled":
      return {
        ...{ check, result: "wrong", seen: "it is not called: paused, or in an outage" },
        fix: "causeway targets list says which and since when; then run doctor again",
      };
    case "silent":
    case "waiting":
      return {
        ...{ check, result: "wrong", seen: "no answer came within three minutes" },
        fix: `see that the function deliver-${target} runs (Application Insights > Failures) and what waits in the subscription ${target} of integration-events; the function app needs its roles at Service Bus and at the ledger`,
      };
  }
}
