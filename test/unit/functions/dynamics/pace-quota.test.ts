import { describe, expect, it } from "@jest/globals";
import { paceQuota } from "../../../../functions/src/dynamics/pace-quota.ts";
import type { Http } from "../../../../functions/src/platform/http.ts";

const request = { method: "POST", url: "https://org.crm.dynamics.com/api/data/v9.2/$batch" };

interface Answer {
  readonly seconds?: number;
  readonly requests?: number;
  readonly server?: string;
  /** Before this answer nobody asks for so long. */
  readonly afterMs?: number;
}

/** A CE that says what is left of its seconds and requests, and the pauses that were made before the calls. */
function pacedOver(answers: readonly Answer[]) {
  const pauses: number[] = [];
  let now = 0;
  let calls = 0;
  const http: Http = () => {
    const { seconds, requests, server, afterMs = 0 } = answers[calls] ?? {};
    calls += 1;
    now += afterMs;
    const headers = new Map<string, number | string | undefined>([
      ["x-ms-ratelimit-time-remaining-xrm-requests", seconds],
      ["x-ms-ratelimit-burst-remaining-xrm-requests", requests],
      ["set-cookie", server && `ReqClientId=1; secure, ARRAffinity=${server};Path=/;HttpOnly`],
    ]);
    const get = (name: string): string | null => headers.get(name)?.toString() ?? null;
    return Promise.resolve({ status: 200, headers: { get }, body: "" });
  };
  const clock = {
    now: () => now,
    sleep: (ms: number) => {
      pauses.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
  return { send: paceQuota(http, clock), pauses };
}

async function pausesOf(answers: readonly Answer[]): Promise<readonly number[]> {
  const { send, pauses } = pacedOver(answers);
  for (let call = 0; call <= answers.length; call += 1) await send(request);
  return pauses;
}

describe("the pace of calls to Dataverse", () => {
  it("is free while more than half of the limits is left", async () => {
    const answers = [
      { seconds: 1_200, requests: 6_000 },
      { seconds: 600, requests: 3_000 },
    ];
    expect(await pausesOf(answers)).toEqual([]);
  });

  it("is free where Dataverse says nothing about its limits", async () => {
    expect(await pausesOf([{}, {}])).toEqual([]);
  });

  it("is what the limit on execution time gives back, below half of it", async () => {
    // Six seconds were used up, four come back in a second.
    expect(await pausesOf([{ seconds: 1_200 }, { seconds: 500 }, { seconds: 494 }])).toEqual([
      30_000, 1_500,
    ]);
  });

  it("is what the limit on requests gives back, below half of it", async () => {
    expect(await pausesOf([{ requests: 100 }, { requests: 49 }, { requests: 48 }])).toEqual([
      2_550, 50,
    ]);
  });

  it("falls the closer the end is", async () => {
    // At half of the tight share half of the pace is left: six seconds take three.
    expect(await pausesOf([{ seconds: 40 }, { seconds: 12 }, { seconds: 6 }])).toEqual([
      7_000, 3_000,
    ]);
  });

  it("takes what another server has left for no use of its own", async () => {
    const [busy, idle] = [
      { requests: 40, server: "b" },
      { requests: 100, server: "a" },
    ];
    expect(await pausesOf([idle, busy, idle, busy])).toEqual([]);
    expect(await pausesOf([idle, busy, idle, { ...busy, requests: 39 }])).toEqual([]);
    expect(await pausesOf([{ ...busy, requests: 100 }, idle, busy])).toEqual([3_000]);
  });

  it("paces an instance from its start that first hears what others have left over", async () => {
    const [pause] = await pausesOf([{ requests: 1_800 }, { requests: 1_710 }]);
    // Ninety were used up; at 28.5 of 30 % the pace is 19 a second.
    expect(pause).toBeCloseTo(90_000 / 19, 3);
  });

  it("counts the time that nobody asked in as given back", async () => {
    const answers = [{ requests: 100 }, { requests: 49, afterMs: 600_000 }];
    expect(await pausesOf(answers)).toEqual([]);
    expect(await pausesOf([{ requests: 100 }, { requests: 49, afterMs: 1_000 }])).toEqual([1_550]);
  });

  it("waits for the longest pause of several servers, not for their sum", async () => {
    const servers = ["a", "b", "c", "d", "e"];
    const all = (requests: number) => servers.map((server) => ({ server, requests }));
    const pauses = await pausesOf([...all(100), ...all(49)]);
    expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBe(2_550);
  });

  it("adds up what is under way to one server at once", async () => {
    const { send, pauses } = pacedOver([{ requests: 100 }, { requests: 49 }, { requests: 48 }, {}]);
    await send(request);
    await Promise.all([send(request), send(request)]);
    await send(request);
    expect(pauses).toEqual([2_600]);
  });

  it("is free again when the window has moved on", async () => {
    expect(await pausesOf([{ seconds: 40 }, { seconds: 10 }, { seconds: 36 }])).toHaveLength(1);
  });

  it("makes nobody wait for more than half a minute at once", async () => {
    expect(await pausesOf([{ seconds: 1_200 }, { seconds: 0 }])).toEqual([30_000]);
  });
});
