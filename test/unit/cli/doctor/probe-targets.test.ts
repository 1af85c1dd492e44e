import { describe, expect, it } from "@jest/globals";
import { probeTargets } from "../../../../cli/doctor/probe-targets.ts";
import type { OperatorClient } from "../../../../cli/operator/operator-client.ts";
import type {
  ProbeAnswerView,
  ProbeRoundView,
} from "../../../../functions/src/operator/reads/probe-round-view.ts";
import { SimulatedClock } from "../../../../local/clock.ts";

const time = "2026-11-27T08:00:00.000Z";
const round = { id: "20261127080000-0a1b2c", at: time, until: time, by: "ada" };

function answerOf(target: string, change: Partial<ProbeAnswerView>): ProbeAnswerView {
  return { flow: "invoice-posted", target, result: "waiting", code: "", ms: null, ...change };
}

/** Answers one view after the other. */
function scripted(views: readonly (readonly ProbeAnswerView[])[]): {
  readonly client: OperatorClient;
  readonly asked: readonly string[];
} {
  const asked: string[] = [];
  const next = <Answer>(path: string): Promise<Answer> => {
    asked.push(path);
    const answers = views[asked.length - 1] ?? [];
    const view: ProbeRoundView = { ...round, answers, isOver: asked.length >= views.length };
    return Promise.resolve(view as Answer);
  };
  return { client: { get: next, post: next }, asked };
}

async function probe(...views: readonly (readonly ProbeAnswerView[])[]) {
  const { client, asked } = scripted(views);
  const clock = new SimulatedClock(Date.parse(time));
  const findings = probeTargets(client, clock);
  await clock.advance(10_000);
  return { findings: await findings, asked };
}

describe("probing every target", () => {
  it("asks until the round is over", async () => {
    const { asked, findings } = await probe(
      [answerOf("ce", {})],
      [answerOf("ce", {})],
      [answerOf("ce", { result: "ok", ms: 400 })],
    );

    expect(asked).toEqual(["probes", `probes/${round.id}`, `probes/${round.id}`]);
    expect(findings).toEqual([
      { check: "A synthetic event of invoice-posted gets through ce in dry-run", result: "ok" },
    ]);
  });

  it.each<[Partial<ProbeAnswerView>, string, string]>([
    [
      { result: "failed", code: "CRM_NOT_READ", ms: 1_240 },
      "CRM_NOT_READ after 1.2 s",
      "#crm_not_read",
    ],
    [{ result: "late", ms: 400_000 }, "it came through after 400.0 s", "alert-oldest-undelivered"],
    [{ result: "notCalled", ms: 12 }, "it is not called", "causeway targets list"],
    [{ result: "silent" }, "no answer came within three minutes", "deliver-crm"],
  ])("says of %j what was seen and what to do", async (change, seen, fix) => {
    const { findings } = await probe([answerOf("crm", change)]);

    expect(findings).toEqual([
      expect.objectContaining({
        result: "wrong",
        seen: expect.stringContaining(seen),
        fix: expect.stringContaining(fix),
      }),
    ]);
  });
});
