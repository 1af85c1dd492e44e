import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { findFailures } from "../../../functions/src/recovery/find-failures.ts";
import type { Outcome } from "../../../functions/src/targets/target.ts";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorAsk, OperatorWorld } from "../../support/operator-world.ts";
import { serveOperator } from "../../support/serve-operator.ts";
import type { ServedOperator } from "../../support/serve-operator.ts";
import { failureOf } from "../../support/stored-failure.ts";

const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "the row is paid" };
const reason = ["--reason", "paid by hand"];
/** As many as one request discards. */
const round = 2_000;

let world: OperatorWorld;
let served: ServedOperator;

beforeEach(async () => {
  world = await createOperatorWorld();
  served = await serveOperator(world);
});

afterEach(async () => {
  await served.close();
  await world.close();
});

async function plant(from: number, to: number): Promise<void> {
  const count = to - from + 1;
  await world.parts.recovery.failures.record(
    Array.from({ length: count }, (_each, index) => failureOf(from + index)),
  );
}

async function openIds(): Promise<readonly string[]> {
  const { failures } = await findFailures(world.replays.failures, {}, { limit: 10 });
  return failures.map(({ failureId }) => failureId);
}

/** What happens before the second request that discards. */
function beforeSecondRound(work: () => Promise<void>): void {
  let rounds = 0;
  served.before = async ({ body, path }: OperatorAsk) => {
    const { dryRun } = (body ?? {}) as { readonly dryRun?: boolean };
    if (path !== "failures/discard" || dryRun === true) return;
    rounds += 1;
    if (rounds === 2) await work();
  };
}

const parse = (stdout: string): Record<string, unknown> =>
  JSON.parse(stdout) as Record<string, unknown>;

describe("an address of which a half is missing", () => {
  const away = "https://prod.example/api/ops/v1";

  it.each([
    [["--url", away], "error: --url needs --audience"],
    [["--audience", "api://prod"], "error: --audience needs --url"],
    [["--url", "", "--audience", "api://prod"], "it is empty; leave it out for the local Azure"],
    [["--stack", ""], "it is empty; leave it out for the local Azure"],
  ])("is a wrong call and does nothing to the local Azure: %j", async (way, complaint) => {
    await plant(1, 1);
    const run = await served.causeway("failures", "discard", "--all", "--yes", ...reason, ...way);

    expect(run).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(complaint) });
    expect(await openIds()).toHaveLength(1);
  });
});

describe("causeway failures discard", () => {
  it("leaves alone what fails after its plan was made", async () => {
    await plant(1, round + 1);
    beforeSecondRound(async () => {
      world.replays.delivery.clock.advance(1_000);
      await plant(round + 2, round + 2);
    });
    const run = await served.causeway("failures", "discard", "--all", "--yes", ...reason);

    expect(run).toMatchObject({ exitCode: 0, stdout: `${round + 1} discarded.\n` });
    expect(await openIds()).toEqual([failureOf(round + 2).failureId]);
  });

  it("ends with its count when somebody else takes the rest meanwhile", async () => {
    await plant(1, round + 1);
    beforeSecondRound(async () => {
      const { failures } = await findFailures(world.replays.failures, {}, { limit: 10 });
      await world.replays.failures.move(
        failures.map((failure) => ({ failure, to: "discarded" as const })),
      );
    });
    const run = await served.causeway("failures", "discard", "--all", "--yes", ...reason);

    expect(run).toMatchObject({ exitCode: 0, stdout: `${round} discarded.\n`, stderr: "" });
  });

  it("says how far it came when a later round fails", async () => {
    await plant(1, round + 1);
    beforeSecondRound(() => Promise.reject(new Error("cut")));
    const run = await served.causeway("failures", "discard", "--all", "--yes", ...reason);

    expect(run).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(`${round} had been discarded before this went wrong`),
    });
  });

  it("names what is not there or not open, and exits with 5", async () => {
    await plant(1, 2);
    const [one, two] = [failureOf(1).failureId, failureOf(2).failureId];
    await served.causeway("failures", "discard", `ce/${two}`, "--yes", ...reason);
    const names = [`ce/${one}`, `ce/${two}`, "ce/typo"];
    const run = await served.causeway("failures", "discard", ...names, "--yes", ...reason);

    expect(run).toMatchObject({ exitCode: 5 });
    expect(run.stdout.split("\n")).toEqual([
      `ce/${two} is left out: it is discarded, not open`,
      "ce/typo is left out: there is no such failure",
      "1 discarded.",
      "",
    ]);
  });
});

describe("causeway replay", () => {
  it("asks before it sends the rest of a list of which one is not there", async () => {
    await world.replays.fail(1);
    const [id = ""] = await openIds();
    const run = await served.causeway("replay", `ce/${id}`, "ce/typo");

    expect(run).toMatchObject({
      exitCode: 1,
      stdout: expect.stringContaining("ce/typo is left out: there is no such failure"),
      stderr: expect.stringContaining("1 of those that you named cannot be sent. Send 1 again?"),
    });
    expect(world.kicked).toEqual([]);
  });

  it("sends the rest when it need not ask, names what is left out in JSON, and exits with 5", async () => {
    await world.replays.fail(1);
    const [id = ""] = await openIds();
    const run = await served.causeway("replay", `ce/${id}`, "ce/typo", "--yes", "--json");

    expect(run.exitCode).toBe(5);
    const { leftOut, id: replayId } = parse(run.stdout);
    expect(leftOut).toEqual([{ target: "ce", failureId: "typo", status: null }]);
    expect(world.kicked).toEqual([replayId]);
  });

  it("names all that were named when none of them is there", async () => {
    const run = await served.causeway("replay", "ce/typo");

    expect(run).toMatchObject({
      exitCode: 3,
      stderr: expect.stringContaining("NOTHING_SELECTED: Nothing matches: ce/typo is not there."),
    });
  });

  it("of which deliveries failed again says how many and with which codes, and exits with 5", async () => {
    await world.replays.fail(3);
    world.replays.delivery.target.answers = [refusal, refusal];
    const { id } = await world.replays.begin({ kind: "all" }, { stopShare: 1 });
    await world.replays.run(id);
    const run = await served.causeway("replay", "status", id);

    expect(run.exitCode).toBe(5);
    expect(run.stdout).toContain("2 failed again: 2 CE_ROW_CLOSED");
  });

  it("that is paused exits with 5 for whoever follows it", async () => {
    await world.replays.fail(1);
    const { id } = await world.replays.begin();
    await world.replays.replays.setWish(id, "pause");
    await world.replays.run(id);

    expect(await served.causeway("replay", "status", id)).toMatchObject({ exitCode: 0 });
    expect(await served.causeway("replay", "status", id, "--follow")).toMatchObject({
      exitCode: 5,
    });
  });

  it("gives all of its items as JSON, however many pages they are", async () => {
    await world.replays.fail(201);
    const { id } = await world.replays.begin();
    await world.replays.run(id);
    const all = parse((await served.causeway("replay", "items", id, "--json")).stdout);
    const few = parse(
      (await served.causeway("replay", "items", id, "--json", "--limit", "3")).stdout,
    );

    expect(all).toMatchObject({ isMore: false });
    expect(all["items"]).toHaveLength(201);
    expect(all["items"]).toContainEqual(
      expect.objectContaining({ state: "delivered", changes: [], businessKey: "usmf/CIV-000201" }),
    );
    expect(few).toMatchObject({ isMore: true });
    expect(few["items"]).toHaveLength(3);
  });
});

describe("a list", () => {
  it.each([
    [["edits", "list"], "There are no edits.\n"],
    [["replay", "list"], "There are no replays.\n"],
    [["audit"], "Nobody has decided anything yet.\n"],
    [["verify", "--list"], "Nothing was verified yet.\n"],
  ])("of everything that is empty is no error: %j", async (args, stdout) => {
    expect(await served.causeway(...args)).toMatchObject({ exitCode: 0, stdout });
  });

  it("says when there are more", async () => {
    for (let count = 0; count < 2; count += 1) await world.replays.begin();
    const text = await served.causeway("replay", "list", "--limit", "1");
    const json = parse((await served.causeway("replay", "list", "--limit", "1", "--json")).stdout);

    expect(text.stdout).toContain("There are more; --limit <count> shows more of them.");
    expect(json).toMatchObject({ isMore: true, replays: [{ state: "planning" }] });
  });
});

describe("what names nothing", () => {
  it.each([
    [["replay", "status", "", "--json"]],
    [["replay", "cancel", ""]],
    [["failures", "show", "ce", ""]],
    [["failures", "show", "", "f-1"]],
    [["failures", "note", "ce", "a/b", "text"]],
    [["edits", "approve", ""]],
    [["verify", "show", ".."]],
    [["audit", "--limit", "0"]],
  ])("is a wrong call: %j", async (args) => {
    expect(await served.causeway(...args)).toMatchObject({
      exitCode: 2,
      stdout: "",
      stderr: expect.stringContaining("is invalid"),
    });
  });

  it("is no other route of the API", async () => {
    expect(await world.ask({ path: "replays/" })).toMatchObject({ status: 404 });
  });

  it("is no way to ask for the groups of one document", async () => {
    expect(await served.causeway("failures", "groups", "--key", "CIV-1")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("unknown option '--key'"),
    });
  });
});

describe("causeway verify", () => {
  it("shows one report again, with the exit code that it had", async () => {
    const counts = { compared: 2, good: 1, missing: 1, doubled: 0, differing: 0 };
    const others = { underWay: 0, failed: 0, skipped: 0, isAsked: true };
    await world.parts.verify.verifications.save({
      ...{ id: "v-1", state: "done", since: 0, until: 3_600_000, repair: false, include: [] },
      ...{ by: "anna", createdAt: 0, endedAt: 1, note: "", replayId: "", repaired: 0 },
      counts: [{ legalEntity: "usmf", target: "ce", ...counts, ...others }],
      findings: [],
    });
    const run = await served.causeway("verify", "show", "v-1", "--json");

    expect(run.exitCode).toBe(5);
    expect(parse(run.stdout)).toMatchObject({ id: "v-1", counts: [{ missing: 1 }] });
    expect(await served.causeway("verify", "show", "none")).toMatchObject({ exitCode: 3 });
  });

  it("says at the start under which id its report will be found", async () => {
    const run = await served.causeway("verify", "--since", "2026-11-24T10:00:00Z", "--json");
    const { id } = parse(run.stdout);

    expect(run.stderr).toContain(`causeway verify show ${String(id)}`);
  });
});
