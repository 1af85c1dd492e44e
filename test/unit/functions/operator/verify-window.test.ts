import { describe, expect, it } from "@jest/globals";
import { createVerifyRoutes } from "../../../../functions/src/operator/routes/verify-routes.ts";
import { toVerifyWindow } from "../../../../functions/src/operator/routes/verify-window.ts";
import { createAuditLog } from "../../../../functions/src/recovery/audit-log.ts";
import { VerifyWorld } from "../../../support/verify-world.ts";

const now = Date.parse("2026-11-24T12:00:00Z");
const day = "2026-11-23T11:45:00Z";

function refusal(since: string, until?: string): string {
  try {
    toVerifyWindow({ since, ...(until === undefined ? {} : { until }) }, now);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
}

describe("the window of a verification", () => {
  it("ends 15 minutes ago when nothing is said, and may end there", () => {
    const until = Date.parse("2026-11-24T11:45:00Z");

    expect(toVerifyWindow({ since: day }, now)).toEqual({ since: Date.parse(day), until });
    expect(toVerifyWindow({ since: day, until: "2026-11-24T11:45:00Z" }, now)).toMatchObject({
      until,
    });
  });

  it.each([
    ["in the future", "2026-11-25T00:00:00Z", "2026-11-25T00:00:00.000Z"],
    ["now", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00.000Z"],
    ["a moment too late", "2026-11-24T11:45:00.001Z", "2026-11-24T11:45:00.001Z"],
  ])("is refused when it ends %s", (_when, until, shown) => {
    expect(refusal(day, until)).toBe(
      `The window ends at ${shown}; events of what was posted in the last 15 minutes may still be on their way.`,
    );
  });

  it("is said to be empty when it begins within the last 15 minutes, or after its own end", () => {
    expect(refusal("2026-11-24T11:50:00Z")).toBe(
      "The window is empty: it begins at 2026-11-24T11:50:00.000Z and ends at 2026-11-24T11:45:00.000Z, 15 minutes ago.",
    );
    expect(refusal("2026-11-24T10:00:00Z", "2026-11-24T09:00:00Z")).toBe(
      "The window is empty: it begins at 2026-11-24T10:00:00.000Z and ends at 2026-11-24T09:00:00.000Z.",
    );
  });

  it("is said to be too long beyond 32 days", () => {
    expect(refusal("2026-10-20T00:00:00Z")).toBe("The window is longer than 32 days.");
  });
});

describe("a repair of what was posted just now", () => {
  it("is refused before anything is written or raised", async () => {
    const world = new VerifyWorld();
    await world.post("CIV-1");
    const { clock, memory } = world.replay.delivery;
    const audit = createAuditLog(memory, clock);
    const [route] = createVerifyRoutes({ ...world.on(), audit, kick: () => undefined });
    const until = new Date(clock.now()).toISOString();
    const body = { since: "2026-11-24T08:00:00Z", until, repair: true };
    const caller = { id: "p-anna", name: "anna", roles: [] };
    const call = { caller, body, params: {}, query: new URLSearchParams() };

    await expect(route?.handle(call)).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    expect(world.rows()).toEqual([]);
    expect(await audit.read({ limit: 10 })).toMatchObject({ entries: [] });
    expect(await world.report()).toBeUndefined();
  });
});
