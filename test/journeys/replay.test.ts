import { beforeAll, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { runCauseway } from "../support/run-causeway.ts";
import type { CausewayRun } from "../support/run-causeway.ts";
import { useLocalAzure } from "../support/use-local-azure.ts";

const local = useLocalAzure("journey-replay");
const numbers = Array.from({ length: 6 }, (_each, index) => `JRN-REPLAY-${index + 1}-`);
const eventIds: string[] = [];

interface Replay {
  readonly id: string;
  readonly state: string;
  readonly note: string;
  readonly counts: { readonly delivered: number; readonly waiting: number };
}

const causeway = (...args: readonly string[]): Promise<CausewayRun> =>
  runCauseway(local.folder, args);

async function replay(...args: readonly string[]): Promise<Replay & { readonly exitCode: number }> {
  const { exitCode, stdout, stderr } = await causeway("replay", ...args, "--json");
  if (stdout === "") throw new Error(`exit code ${exitCode}: ${stderr}`);
  return { ...(JSON.parse(stdout) as Replay), exitCode };
}

async function ceStates(): Promise<readonly (string | undefined)[]> {
  const states = await Promise.all(eventIds.map((eventId) => local.world.states(eventId)));
  return states.map(({ ce }) => ce);
}

async function expectStates(ce: string): Promise<void> {
  const states = await Promise.all(eventIds.map((eventId) => local.world.states(eventId)));
  const expected = { intake: "published", ce, crm: "delivered", email: "delivered" };
  expect(states).toEqual(eventIds.map(() => expected));
}

async function expectRecorded(): Promise<void> {
  expect(await local.world.failures()).toHaveLength(numbers.length);
}

// CE refuses every invoice for good: what comes back is no outage and no matter of time.
beforeAll(async () => {
  const { world } = local;
  await world.setFault("dataverse", { status: 400 });
  for (const number of numbers) {
    const { eventId } = await world.post({ number, customer: "US-001", door: "https" });
    eventIds.push(eventId);
  }
  await eventually(() => expectStates("failed"));
  await eventually(expectRecorded);
});

it("a replay while the cause persists stops by itself after its first step and says why", async () => {
  const listed = await causeway("failures", "list", "--json");
  const { failures } = JSON.parse(listed.stdout) as { readonly failures: readonly object[] };
  expect(failures).toHaveLength(numbers.length);

  const stopped = await replay("--target", "ce", "--yes", "--follow");

  expect(stopped).toMatchObject({
    exitCode: 5,
    state: "stopped",
    note: expect.stringMatching(/^1 of 1 in step 1 failed again, more than 10 %: 1 \w+/),
  });
  expect(stopped.counts.waiting).toBe(numbers.length - 1);
});

it("a replay survives kill -9 of the function host in its middle and delivers each failure once", async () => {
  const { world, environment } = local;
  await world.setFault("dataverse", null);
  const { id } = await replay("--target", "ce", "--yes", "--steps", "100", "--per-second", "0.5");
  // One delivery every two seconds: the host is killed when one has just ended and before the next one begins. What
  // it had in hand would come back when its lock ends, five minutes later.
  let seen = numbers.length;
  await eventually(async () => {
    const states = await ceStates();
    const before = seen;
    seen = states.filter((state) => state === "delivered").length;
    expect(seen).toBeGreaterThan(before);
    expect(states).toContain("failed");
    expect(states).not.toContain("pending");
  });
  process.kill(environment.processes.functions, "SIGKILL");

  const ended = await replay("status", id, "--follow");

  expect(ended).toMatchObject({
    exitCode: 0,
    state: "done",
    counts: { delivered: numbers.length, failedAgain: 0, refused: 0, underWay: 0, waiting: 0 },
  });
  await expectStates("delivered");
  const effects = await Promise.all(numbers.map((number) => world.effects(number)));
  expect(effects).toEqual(numbers.map(() => ({ ce: 1, crm: 1, email: 1 })));
});

it("a second replay finds nothing and exits with 3", async () => {
  const { exitCode, stderr } = await causeway("replay", "--all", "--yes");
  expect({ exitCode, stderr }).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining("NOTHING_SELECTED"),
  });
});
