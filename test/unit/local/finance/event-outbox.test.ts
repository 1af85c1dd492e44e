import { describe, expect, it } from "@jest/globals";
import { createFinanceFixture } from "../../../support/finance-fixture.ts";
import type { FinanceFixture } from "../../../support/finance-fixture.ts";

interface Listed {
  readonly eventId: string;
  readonly state: string;
  readonly tries: number;
}

/** An F&O whose Event Grid endpoint refuses the first `failures` tries. */
function createBroken(failures: number): FinanceFixture & { readonly tryTimes: number[] } {
  const tryTimes: number[] = [];
  const fixture: FinanceFixture = createFinanceFixture({
    senders: {
      eventGrid: () => {
        tryTimes.push(fixture.clock.now());
        return tryTimes.length <= failures ? Promise.reject(new Error("503")) : Promise.resolve();
      },
      serviceBus: () => Promise.resolve(),
      https: () => Promise.resolve(),
    },
  });
  return { ...fixture, tryTimes };
}

const read = async (response: Promise<Response>): Promise<Listed[]> =>
  (await (await response).json()) as Listed[];

describe("sending business events", () => {
  it("tries three times, one second apart, and then puts the event into the error list", async () => {
    const { sim, clock, tryTimes, log } = createBroken(3);
    await sim("POST", "/sim/post-invoice", {});
    await clock.advance(60_000);
    const [first = 0] = tryTimes;
    expect(tryTimes.map((ms) => ms - first)).toEqual([0, 1000, 2000]);
    expect(await read(sim("GET", "/sim/errors"))).toMatchObject([{ state: "error", tries: 3 }]);
    expect(log[0]).toContain("stands in the error list");
  });

  it("runs the whole cycle again with the same EventId on a resend", async () => {
    const { sim, clock } = createBroken(4);
    const posted = (await (await sim("POST", "/sim/post-invoice", {})).json()) as Listed;
    await clock.advance(3000);
    const resent = sim("POST", "/sim/resend", { eventId: posted.eventId });
    await clock.advance(3000);
    expect(await (await resent).json()).toMatchObject({
      eventId: posted.eventId,
      sendings: [{ state: "sent", tries: 2 }],
    });
    expect(await read(sim("GET", "/sim/errors"))).toEqual([]);
  });

  it("can raise the same document's event under another EventId", async () => {
    const { sim, sent } = createFinanceFixture({ random: countingRandom() });
    const posted = (await (
      await sim("POST", "/sim/post-invoice", { wait: true })
    ).json()) as Listed;
    await sim("POST", "/sim/resend", { eventId: posted.eventId, newEventId: true });
    const [first, second] = sent.map(({ text }) => JSON.parse(text) as Record<string, unknown>);
    expect(second?.["EventId"]).not.toBe(first?.["EventId"]);
    expect({ ...second, EventId: "" }).toEqual({ ...first, EventId: "" });
  });

  it("sends the endpoint test event with the lowest 64-bit number in full", async () => {
    const { sim, sent } = createFinanceFixture();
    await sim("POST", "/sim/test-event", {});
    expect(sent[0]?.text).toContain('"ControlNumber":-9223372036854775808,');
    expect(sent[0]?.text).toContain('"BusinessEventId":"BusinessEventsTestEndpointContract"');
  });

  it("reads an endpoint's secret from its vault and keeps it for five minutes", async () => {
    let reads = 0;
    const getSecret = (vault: string, name: string): Promise<string> =>
      Promise.resolve(`${vault} ${name} ${(reads += 1)}`);
    const { sim, sent, clock } = createFinanceFixture({ getSecret });
    await sim("PUT", "/sim/endpoints", {
      endpoints: [{ name: "door", type: "https", keyVaultUrl: "https://v", secretName: "s" }],
    });
    await sim("POST", "/sim/post-invoice", { wait: true });
    await sim("POST", "/sim/post-invoice", { wait: true });
    await clock.advance(300_000);
    await sim("POST", "/sim/post-invoice", { wait: true });
    expect(sent.map(({ secret }) => secret)).toEqual([
      "https://v s 1",
      "https://v s 1",
      "https://v s 2",
    ]);
  });

  it("sends one event by two doors at once when asked to", async () => {
    const { sim, sent, configureEndpoints } = createFinanceFixture();
    configureEndpoints([
      { name: "grid", type: "eventGrid", url: "http://127.0.0.1", key: "k" },
      { name: "queue", type: "serviceBus", queue: "business-events", connectionString: "c" },
      { name: "door", type: "https", url: "http://127.0.0.1/door" },
    ]);
    await sim("POST", "/sim/post-invoice", { door: ["eventGrid", "serviceBus"], wait: true });
    expect(sent.map(({ door }) => door)).toEqual(["eventGrid", "serviceBus"]);
    expect(sent[0]?.text).toBe(sent[1]?.text);
  });
});

describe("an endpoint whose events are switched off in a company", () => {
  it("gets none of that company's, and all again when they are switched on", async () => {
    const { sim, sent, configureEndpoints } = createFinanceFixture();
    configureEndpoints([{ name: "door", type: "https", url: "http://127.0.0.1/door" }]);
    const post = () => sim("POST", "/sim/post-invoice", { company: "usmf", wait: true });
    await sim("PATCH", "/sim/endpoints/door", { legalEntities: ["demf"] });
    expect((await post()).status).toBe(200);
    expect(sent).toHaveLength(0);
    await sim("PATCH", "/sim/endpoints/door", { legalEntities: null });
    await post();
    expect(sent).toHaveLength(1);
    expect((await sim("PATCH", "/sim/endpoints/gate", {})).status).toBe(404);
  });
});

function countingRandom(): () => number {
  let count = 0;
  return () => ((count += 7) % 97) / 97;
}
