import { describe, expect, it } from "@jest/globals";
import { toBrokenNote } from "../../../../functions/src/recovery/verify/broken-note.ts";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";

const report: Verification = {
  id: "v-1",
  state: "running",
  since: Date.parse("2026-11-24T08:00:00Z"),
  until: Date.parse("2026-11-24T12:00:00Z"),
  repair: false,
  include: [],
  by: "anna",
  createdAt: 0,
  endedAt: null,
  counts: [],
  findings: [],
  note: "",
  replayId: "",
  repaired: 0,
};

describe("the note of a verification whose process ended", () => {
  it("says up to when it compared, and how to go on", () => {
    const comparedTo = "2026-11-24T10:00:00.000Z";

    expect(toBrokenNote({ ...report, comparedTo }, "its process ended")).toBe(
      "it broke off: its process ended; it compared what was posted up to 2026-11-24T10:00:00.000Z; " +
        "go on from there: causeway verify --since 2026-11-24T10:00:00.000Z --until 2026-11-24T12:00:00.000Z",
    );
  });

  it("begins anew for a report that does not say how far it came", () => {
    expect(toBrokenNote(report, "its process ended")).toContain("--since 2026-11-24T08:00:00.000Z");
  });

  it("keeps what the repair had begun", () => {
    const begun = {
      ...{ comparedTo: "2026-11-24T12:00:00.000Z", repair: true, repaired: 3, replayId: "r-1" },
      note: "3 deliveries begun to repair",
    };

    expect(toBrokenNote({ ...report, ...begun }, "its process ended")).toBe(
      "it broke off after comparing: its process ended; 3 deliveries begun to repair",
    );
  });
});
