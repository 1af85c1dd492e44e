import { describe, expect, it } from "@jest/globals";
import type { Verification } from "../../../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../../../functions/src/recovery/verify/verification-store.ts";
import { MemoryTableStore } from "../../../support/memory-table-store.ts";

/** Each company misses something at each of three targets. */
function reportOf(companies: number, findings: number): Verification {
  const names = Array.from({ length: companies }, (_each, n) => `c${n}`);
  const kinds = { compared: 90_000, good: 89_000, missing: 10, doubled: 0, differing: 0 };
  const others = { underWay: 0, failed: 0, skipped: 990, isAsked: true };
  return {
    ...{ id: "v-1", state: "done", since: 0, until: 3_600_000, repair: true, include: [] },
    ...{ by: "anna", createdAt: 0, endedAt: 1, note: "", replayId: "r-1", repaired: 1 },
    counts: names.flatMap((legalEntity) =>
      ["ce", "crm", "email"].map((target) => ({ legalEntity, target, ...kinds, ...others })),
    ),
    findings: Array.from({ length: findings }, (_each, n) => ({
      ...{ kind: "missing", target: "ce", legalEntity: "c1", number: `CIV-${n}` },
      ...{ effectKey: `3b241101-e2bb-5255-8caf-${String(n).padStart(12, "0")}`, cause: "GONE" },
      eventId: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      time: "2026-11-24T11:59:30.000Z",
    })),
  };
}

describe("the store of verifications", () => {
  it("keeps a report of 100 companies with 60 findings", async () => {
    const report = reportOf(100, 60);
    const store = createVerificationStore(new MemoryTableStore());
    await store.save(report);

    expect(await store.get("v-1")).toEqual(report);
    expect(await store.list(5)).toEqual([report]);
    const [summary] = await store.summaries(5);
    expect(summary).toMatchObject({ compared: 27_000_000, note: "", repaired: 1 });
    expect(summary?.differences).toHaveLength(300);
  });

  it("keeps the first of many findings", async () => {
    const store = createVerificationStore(new MemoryTableStore());
    await store.save(reportOf(1, 61));

    expect((await store.get("v-1"))?.findings).toHaveLength(60);
  });

  it("reads what a version before it wrote as plain text", async () => {
    const memory = new MemoryTableStore();
    const report = reportOf(1, 1);
    const keys = { partitionKey: "report", rowKey: "v-1" };
    const columns = { report: JSON.stringify(report), summary: JSON.stringify({ id: "v-1" }) };
    await memory.write("verifications", { kind: "upsert", row: { ...keys, columns } });
    const store = createVerificationStore(memory);

    expect(await store.get("v-1")).toEqual(report);
    expect(await store.summaries(5)).toEqual([{ id: "v-1" }]);
  });
});
