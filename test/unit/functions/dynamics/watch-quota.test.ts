import { describe, expect, it } from "@jest/globals";
import { watchQuota } from "../../../../functions/src/dynamics/watch-quota.ts";
import type { Http } from "../../../../functions/src/platform/http.ts";
import { silentTelemetry } from "../../../../functions/src/platform/telemetry.ts";
import { ManualClock, startOfTime } from "../../../support/delivery-world.ts";

const request = { method: "POST", url: "https://org.crm.dynamics.com/api/data/v9.2/$batch" };

describe("watching Dataverse's limits", () => {
  it("keeps what the last answer that spoke of them said, and when", async () => {
    const clock = new ManualClock();
    const answers = ["6000", "5999", undefined];
    const http: Http = () => {
      const requests = answers.shift();
      const get = (name: string) => (name.includes("burst") ? (requests ?? null) : null);
      return Promise.resolve({ status: 200, headers: { get }, body: "" });
    };
    const quota = watchQuota(http, clock, silentTelemetry);
    expect(quota.lastTold()).toBeUndefined();
    await quota.http(request);
    await quota.http(request);
    clock.advance(1_000);
    await quota.http(request);
    expect(quota.lastTold()).toEqual({ at: startOfTime, left: { requests: 5_999 } });
  });

  it("reads seconds with a comma after the thousands, as Dataverse writes them", async () => {
    const get = (name: string) => (name.includes("time") ? "1,199.46" : null);
    const http: Http = () => Promise.resolve({ status: 200, headers: { get }, body: "" });
    const quota = watchQuota(http, new ManualClock(), silentTelemetry);
    await quota.http(request);
    expect(quota.lastTold()?.left).toEqual({ seconds: 1_199.46 });
  });
});
