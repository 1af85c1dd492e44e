import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { ProbeRoundView } from "../../../functions/src/operator/reads/probe-round-view.ts";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorWorld, Role } from "../../support/operator-world.ts";

let world: OperatorWorld;

beforeAll(async () => {
  world = await createOperatorWorld();
});

/** Whatever was begun is over. */
afterEach(() => {
  const { clock } = world.replays.delivery;
  clock.to(clock.now() + 180_000);
});

afterAll(() => world.close());

const flow = "invoice-posted";
const codeOf = (body: unknown): string | undefined =>
  (body as { error?: { code: string } }).error?.code;

async function begin(): Promise<ProbeRoundView> {
  return (await world.ask({ method: "POST", path: "probes" })).body as ProbeRoundView;
}

async function show(id: string): Promise<ProbeRoundView> {
  return (await world.ask({ path: `probes/${id}` })).body as ProbeRoundView;
}

describe("a round of the probe", () => {
  it.each<[Role, number, number]>([
    ["none", 403, 403],
    ["Reader", 403, 200],
    ["Operator", 201, 200],
    ["Approver", 201, 200],
  ])("lets %s begin it with %i, and see it with %i", async (as, begun, seen) => {
    const asked = await world.ask({ method: "POST", path: "probes", as });
    expect(asked.status).toBe(begun);
    const { id } = begun === 201 ? (asked.body as ProbeRoundView) : await begin();
    expect((await world.ask({ path: `probes/${id}`, as })).status).toBe(seen);
  });

  it.each([
    ["POST", "probes"],
    ["GET", "probes/20261127080000-abcdef"],
  ])("lets nobody in without a token (%s %s)", async (method, path) => {
    const { status, body } = await world.ask({ method, path, authorization: null });

    expect([status, codeOf(body)]).toEqual([401, "NOT_SIGNED_IN"]);
  });

  it("sends one message per place, with an audit row, and waits for each", async () => {
    const { id, isOver, answers, by } = await begin();

    expect(world.probed.slice(-2)).toEqual([`${id}-ce`, `${id}-email`]);
    expect({ isOver, by }).toEqual({ isOver: false, by: "app:c-1" });
    expect(answers).toEqual(
      ["ce", "email"].map((target) => ({ flow, target, result: "waiting", code: "", ms: null })),
    );
    const { body } = await world.ask({ path: "audit" });
    expect((body as { readonly entries: readonly object[] }).entries).toContainEqual(
      expect.objectContaining({ action: "probes.begin", subject: id, caller: "app:c-1" }),
    );
  });

  it("is over when every place has answered, and the next one may begin", async () => {
    const { id } = await begin();
    const { rounds } = world.parts.probes;
    await rounds.answer(id, { flow, target: "ce", result: "ok", code: "", ms: 40 });
    expect((await show(id)).isOver).toBe(false);
    const refused = await world.ask({ method: "POST", path: "probes" });
    expect([refused.status, codeOf(refused.body)]).toEqual([409, "PROBE_RUNNING"]);

    const failed = { flow, target: "email", result: "failed", code: "MAIL_UNAUTHORIZED" } as const;
    await rounds.answer(id, { ...failed, ms: 90 });
    expect(await show(id)).toMatchObject({ isOver: true, answers: [{ ms: 40 }, failed] });
    expect((await begin()).id).not.toBe(id);
  });

  it("that could not be sent keeps the next one not away", async () => {
    world.refuseNextRound();
    const lost = await world.ask({ method: "POST", path: "probes" });

    expect(lost.status).toBeGreaterThanOrEqual(500);
    expect((await world.ask({ method: "POST", path: "probes" })).status).toBe(201);
  });

  it("calls what has not answered within three minutes silent", async () => {
    const { id } = await begin();
    const { clock } = world.replays.delivery;
    const { rounds } = world.parts.probes;
    await rounds.answer(id, { flow, target: "ce", result: "ok", code: "", ms: 40 });
    clock.to(clock.now() + 180_000);

    const { isOver, answers } = await show(id);
    expect([isOver, answers.map(({ result }) => result)]).toEqual([true, ["ok", "silent"]]);
    expect((await world.ask({ method: "POST", path: "probes" })).status).toBe(201);
  });

  it.each(["20261127080000-abcdef", "current", "x"])("is not known as %s", async (id) => {
    const { status, body } = await world.ask({ path: `probes/${id}` });

    expect([status, codeOf(body)]).toEqual([404, "PROBE_UNKNOWN"]);
  });
});
