import { describe, expect, it } from "@jest/globals";
import { paceQuota } from "../../../../functions/src/dynamics/pace-quota.ts";
import type { Http } from "../../../../functions/src/platform/http.ts";

const request = { method: "POST", url: "https://org.crm.dynamics.com/api/data/v9.2/$batch" };

interface Answer {
  readonly seconds?: number;
  readonly requests?: number;
  readonly server?: string;
}

/** A CE that says what is left of its seconds and requests, and the pauses that were made before the calls. */
function pacedOver(answers: readonly Answer[]) {
  const pauses: number[] = [];
  let now = 0;
  let calls = 0;
  const http: Http = () => {
    const { seconds, requests, server } = answers[calls] ?? {};
    calls += 1;
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

  it("is free again when the window has moved on", async () => {
    expect(await pausesOf([{ seconds: 40 }, { seconds: 10 }, { seconds: 36 }])).toHaveLength(1);
  });

  it("makes nobody wait for more than half a minute at once", async () => {
    expect(await pausesOf([{ seconds: 1_200 }, { seconds: 0 }])).toEqual([30_000]);
  });
});
