import { describe, expect, it } from "@jest/globals";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { FlowTarget } from "../../../../schemas/types/flow.ts";
import { appConfig } from "../../../support/app-config.ts";
import { FaultyPorts } from "../../../support/faulty-ports.ts";
import type { FaultPlan } from "../../../support/faulty-ports.ts";
import { lightFlow } from "../../../support/light-flow.ts";
import { VerifyWorld } from "../../../support/verify-world.ts";

const mail = { recipient: { policy: "customer" }, templates: "mail" } as const;
const box = { redirectTo: "box@test.example" };

/** Before the acceptance, whose first write is the `open` row. */
function atOpenRows(how: "kill" | "fail", times = Infinity): FaultyPorts {
  const faults = new FaultyPorts();
  let left = times;
  const plan: FaultPlan = ({ label }) => {
    if (!/^(write|transaction) open/.test(label) || left === 0) return undefined;
    left -= 1;
    return { how, when: "before" };
  };
  faults.plan = plan;
  return faults;
}

/** CE and a target that sends mail. */
function createWorld(mailTarget = "email", definition: Partial<FlowTarget> = mail): VerifyWorld {
  const world = new VerifyWorld(lightFlow({ ce: {}, [mailTarget]: definition }));
  world.config = appConfig({ targets: { [mailTarget]: box } });
  return world;
}

describe("a repair of a document that F&O raised no event for", () => {
  it("that is killed between its `received` row and acceptance is begun again by the next repair, once, and without mail when mail was not asked for", async () => {
    const world = createWorld();
    await world.post("CIV-1");
    const killed = world.verify({ repair: true, faults: atOpenRows("kill") });
    await expect(killed).rejects.toThrow("killed");
    expect(world.rows()).toEqual(["intake received"]);

    const next = await world.verify({ repair: true });
    expect(next).toMatchObject({
      repaired: 1,
      note: "1 delivery begun to repair; mail left out: 1 (--include email)",
    });
    await world.replay.work();
    expect(world.replay.delivery.target.effects).toHaveLength(1);
    expect(world.rows()).toEqual([
      "ce delivered",
      "email skipped NOT_REPAIRED",
      "intake published",
    ]);
    const { effects } = world.replay.delivery.target;
    world.readers = {
      ce: () => Promise.resolve(new Map(effects.map((key) => [key, { count: 1, amount: null }]))),
    };
    expect(await world.verify({ repair: true })).toMatchObject({
      repaired: 0,
      counts: [
        { target: "ce", good: 1 },
        { target: "email", skipped: 1 },
      ],
    });
  });

  it("goes on after one whose beginning fails, and says how many were not begun and why", async () => {
    const world = new VerifyWorld();
    for (const number of ["CIV-1", "CIV-2", "CIV-3"]) await world.post(number);
    world.hide("CIV-3");

    expect(await world.verify({ repair: true, faults: atOpenRows("fail", 1) })).toMatchObject({
      state: "done",
      repaired: 1,
      note: "1 delivery begun to repair; not begun: 1 document (UNAVAILABLE), 1 document (SOURCE_NOT_FOUND)",
    });
  });

  it("that is killed after it began a replay for others leaves the replay in its report", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    await world.verify({ repair: true });
    await world.replay.work();
    await world.post("CIV-2");
    world.replay.delivery.clock.advance(60_000);
    const killed = world.verify({ repair: true, faults: atOpenRows("kill") });
    await expect(killed).rejects.toThrow("killed");

    const report = await world.report();
    expect(report).toMatchObject({ state: "running", repaired: 1 });
    expect(await world.replay.job(report?.replayId ?? "")).toMatchObject({ total: 1 });
  });

  it("asks F&O no more when it throttles, and says so of all documents", async () => {
    const world = new VerifyWorld();
    for (const number of ["CIV-1", "CIV-2", "CIV-3"]) await world.post(number);
    world.answer = (url) => (url.includes("HeadersV2") ? { status: 429 } : undefined);
    const report = await world.verify({ repair: true });

    expect(report.note).toBe(
      "0 deliveries begun to repair; not begun: 3 documents (FINANCE_THROTTLED)",
    );
    expect(world.asked.filter((url) => url.includes("HeadersV2"))).toHaveLength(1);
  });

  it("names the rule by which a target does not take it after all", async () => {
    const world = createWorld();
    await world.post("CIV-1");
    world.replay.delivery.clock.advance(4 * 86_400_000);
    world.config = appConfig({ targets: { ce: { mode: "off" }, email: box } });

    expect(await world.verify({ repair: true, include: ["email"] })).toMatchObject({
      note: "0 deliveries begun to repair; not begun: 1 document (TOO_OLD)",
    });
  });

  it("leaves out a target with templates whatever its name", async () => {
    const world = createWorld("letters");
    await world.post("CIV-1");

    expect(await world.verify({ repair: true })).toMatchObject({
      repaired: 1,
      note: "1 delivery begun to repair; mail left out: 1 (--include email)",
    });
    expect(world.rows()).toContain("letters skipped NOT_REPAIRED");
    expect(world.replay.delivery.broker.sent).toHaveLength(1);
    expect(await world.verify({ repair: true, include: ["email"] })).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ target: "letters", cause: "NOT_REPAIRED" }),
      ]),
    });
  });

  it("finds an invoice of several orders, for which the journal names none", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    await world.post("FTI-1", { kind: "freeText" });
    world.change = (body) => body.replaceAll(/"(SalesId|SalesOrderNumber)":"[^"]*"/g, '"$1":""');

    expect(await world.verify({ repair: true })).toMatchObject({
      repaired: 2,
      note: "2 deliveries begun to repair",
    });
  });
});

describe("a newer version that F&O sends after a repair", () => {
  it("is delivered", async () => {
    const world = new VerifyWorld(lightFlow(), { versioned: true });
    await world.post("CIV-1");
    await world.verify({ repair: true });
    await world.replay.work();
    const { delivery } = world.replay;
    const [call] = delivery.target.calls;
    if (call === undefined) throw new Error("nothing was repaired");
    const genuine: CanonicalEvent = {
      ...call.body,
      id: "0e6a1c9d-52b1-4c5e-8f10-6d1b7a94c3e2",
      controlnumber: "5637612199",
    };
    await delivery.accept(genuine);
    await world.replay.work();

    expect(await delivery.row(genuine)).toMatchObject({ state: "delivered" });
    expect(delivery.target.effects).toHaveLength(2);
  });
});

describe("a document that the flow does not want at a target", () => {
  const wantsNone = { ...mail, when: "false" };

  it("is skipped there by its rule when it is repaired elsewhere, and no later repair mails it", async () => {
    const world = createWorld("email", wantsNone);
    await world.post("CIV-1");
    await world.verify({ repair: true });

    expect(world.rows()).toContain("email skipped NOT_FOR_TARGET");
    expect(await world.verify({ repair: true, include: ["email"] })).toMatchObject({
      counts: [{ target: "ce" }, { target: "email", skipped: 1, missing: 0 }],
    });
  });

  it("is not mailed although an earlier repair only left it out there", async () => {
    const world = createWorld();
    await world.post("CIV-1");
    await world.verify({ repair: true });
    expect(world.rows()).toContain("email skipped NOT_REPAIRED");
    world.replay.flows = [lightFlow({ ce: {}, email: wantsNone })];

    expect(await world.verify({ repair: true, include: ["email"] })).toMatchObject({
      counts: [{ target: "ce" }, { target: "email", compared: 0, missing: 0, skipped: 1 }],
    });
  });

  it("is not missing at a target that was added later; what the flow wants there is", async () => {
    const crm = { when: "data.number != 'CIV-2'" };
    const world = new VerifyWorld(lightFlow({ ce: {}, crm }));
    world.config = appConfig({ targets: { crm: { mode: "live" } } });
    world.replay.flows = [lightFlow({ ce: {} })];
    for (const number of ["CIV-1", "CIV-2"]) await world.post(number);
    await world.verify({ repair: true });
    world.replay.flows = [lightFlow({ ce: {}, crm })];

    const report = await world.verify();
    expect(report.counts).toContainEqual(
      expect.objectContaining({ target: "crm", compared: 1, missing: 1, skipped: 1 }),
    );
    expect(report.findings.filter(({ target }) => target === "crm")).toMatchObject([
      { number: "CIV-1", cause: "NEVER_ATTEMPTED" },
    ]);
  });
});
