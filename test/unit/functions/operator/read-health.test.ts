import { describe, expect, it } from "@jest/globals";
import { createHealth, toUnstartedHealth } from "../../../../functions/src/operator/read-health.ts";
import { CausewayError } from "../../../../functions/src/platform/causeway-error.ts";
import { TableError } from "../../../../functions/src/platform/table-store.ts";
import { SimulatedClock } from "../../../../local/clock.ts";

const well = (): Promise<void> => Promise.resolve();
const silent = (): Promise<void> => new Promise(() => undefined);

describe("the app's health", () => {
  it("is ok when every part answers", async () => {
    const clock = new SimulatedClock(0);
    const health = createHealth({ clock, vital: { ledger: well }, unresolvedSettings: [] });
    expect(await health()).toEqual({ status: "ok", parts: [] });
  });

  it("names the part that is not, by a code and by nothing else", async () => {
    const health = createHealth({
      clock: new SimulatedClock(0),
      vital: {
        ledger: () => Promise.reject(new TableError("UNAVAILABLE", "ledger202611")),
        queue: () => Promise.reject(new Error("connect to sb-contoso.servicebus.windows.net")),
        other: well,
      },
      unresolvedSettings: [],
    });
    expect(await health()).toEqual({
      status: "notOk",
      parts: [
        { part: "ledger", code: "UNAVAILABLE" },
        { part: "queue", code: "FAILED" },
      ],
    });
  });

  it("is degraded by a secret that cannot be read, since events go on", async () => {
    const health = createHealth({
      clock: new SimulatedClock(0),
      vital: { ledger: well },
      unresolvedSettings: ["CAUSEWAY_OWNER_WEBHOOKS"],
    });
    expect(await health()).toEqual({
      status: "degraded",
      parts: [{ part: "secrets", code: "SECRET_UNRESOLVED" }],
    });
  });

  it("waits five seconds for a part and no longer", async () => {
    const clock = new SimulatedClock(0);
    const health = createHealth({ clock, vital: { queue: silent }, unresolvedSettings: [] });
    const answer = health();
    await clock.advance(5_000);
    expect(await answer).toEqual({
      status: "notOk",
      parts: [{ part: "queue", code: "PART_SILENT" }],
    });
  });

  it("asks the parts once in ten seconds, however often it is asked", async () => {
    const clock = new SimulatedClock(0);
    let asked = 0;
    const ledger = (): Promise<number> => Promise.resolve((asked += 1));
    const health = createHealth({ clock, vital: { ledger }, unresolvedSettings: [] });
    await Promise.all([health(), health()]);
    await clock.advance(9_000);
    await health();
    expect(asked).toBe(1);
    await clock.advance(1_000);
    await health();
    expect(asked).toBe(2);
  });

  it("is that of an app that did not start, by the code of the reason", () => {
    const error = new CausewayError("CONFIG_INVALID", "https://secret is wrong", {
      fate: "permanent",
    });
    expect(toUnstartedHealth(error)).toEqual({
      status: "notOk",
      parts: [{ part: "start", code: "CONFIG_INVALID" }],
    });
  });
});
