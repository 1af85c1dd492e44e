import { describe, expect, it } from "@jest/globals";
import { createBoundedDimensions } from "../../../../functions/src/platform/bounded-dimensions.ts";
import {
  telemetryDimensions,
  telemetryMetrics,
} from "../../../../functions/src/platform/telemetry-catalogue.ts";

describe("the catalogue of telemetry", () => {
  it("splits no metric by an id", () => {
    const unbounded = Object.entries(telemetryMetrics).filter(([, { dimensions }]) =>
      dimensions.some((name) => telemetryDimensions[name] === ("ids" as string)),
    );
    expect(unbounded).toEqual([]);
  });

  it("keeps a metric to a hundred values per dimension, whatever a workflow makes up", () => {
    const bound = createBoundedDimensions();
    const codes = new Set<string | undefined>();
    for (let index = 0; index < 10_000; index += 1) {
      codes.add(bound("causeway.failed", { target: "crm", code: `CODE_${index}` })["code"]);
    }
    expect(codes.size).toBe(101);
    expect(codes).toContain("OTHER");
    expect(bound("causeway.failed", { target: "crm", code: "CODE_7" })).toEqual({
      target: "crm",
      code: "CODE_7",
    });
    expect(bound("causeway.retried", { code: "CODE_9999" })).toEqual({ code: "CODE_9999" });
  });

  it("takes no free text for a value", () => {
    const bound = createBoundedDimensions();
    expect(bound("causeway.failed", { code: "no account for anna@example.com" })).toEqual({
      code: "OTHER",
    });
  });
});
