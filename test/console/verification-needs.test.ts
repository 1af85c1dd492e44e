import { describe, expect, it } from "@jest/globals";
import { readOverview } from "../../functions/src/operator/reads/read-overview.ts";
import {
  toLastVerification,
  toVerificationNeeds,
} from "../../functions/src/operator/reads/verification-needs.ts";
import type {
  Verification,
  VerificationSummary,
  VerifyCounts,
} from "../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../functions/src/recovery/verify/verification-store.ts";
import { DeliveryWorld, startOfTime } from "../support/delivery-world.ts";
import { readsOver } from "../support/reads-world.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

const countsOf = (changes: Partial<VerifyCounts>): VerifyCounts => ({
  ...{ legalEntity: "usmf", target: "ce", compared: 10, good: 10, missing: 0, doubled: 0 },
  ...{ differing: 0, underWay: 0, failed: 0, skipped: 0, isAsked: true, ...changes },
});

const twoMissing = [countsOf({ missing: 2 })];

/** Over the day before its own; `daysAgo` of `startOfTime`. */
function nightly(daysAgo: number, changes: Partial<VerificationSummary> = {}): VerificationSummary {
  const createdAt = startOfTime - daysAgo * dayMs;
  const window = { since: createdAt - 28 * hourMs, until: createdAt };
  const plain = { by: "causeway", note: "", repaired: 0, compared: 10, differences: [] };
  const ended = { createdAt, endedAt: createdAt + 60_000, state: "done" } as const;
  return { id: `v${daysAgo}`, ...window, ...ended, ...plain, ...changes };
}

const needsOf = (...newestFirst: readonly VerificationSummary[]): readonly string[] =>
  toVerificationNeeds(newestFirst, startOfTime).map((each) =>
    each.kind === "verification" ? `${each.verification} ${each.text} ${each.fix}` : each.kind,
  );

describe("what verifications leave for a person", () => {
  it("names companies, targets and kinds, and the command that sends what is missing", () => {
    const differences = [
      countsOf({ legalEntity: "usmf", missing: 2 }),
      countsOf({ legalEntity: "demf", target: "crm", doubled: 1 }),
      countsOf({ legalEntity: "usmf", target: "crm", differing: 3 }),
    ];
    expect(needsOf(nightly(0, { differences }))).toEqual([
      "v0 Posted 2026-11-23 08:00 to 2026-11-24 12:00Z: demf: 1 doubled in crm; usmf: 2 missing in ce, 3 differing in crm. " +
        "Send what is missing: causeway verify --since 2026-11-23T08:00:00.000Z --until 2026-11-24T12:00:00.000Z --repair",
    ]);
  });

  it("is not settled by the next night, which looks at another day", () => {
    const needs = needsOf(nightly(0), nightly(1, { differences: twoMissing }));
    expect(needs).toEqual([expect.stringMatching(/^v1 /)]);
  });

  it("is settled by a later one over its whole time that went well", () => {
    const earlier = nightly(1, { differences: twoMissing });
    const { since, until } = earlier;
    expect(needsOf(nightly(0, { id: "again", since, until }), earlier)).toEqual([]);
    const failed = nightly(0, { id: "again", since, until, state: "failed" });
    expect(needsOf(failed, earlier)).toHaveLength(2);
    expect(needsOf(nightly(0, { since: since + 1, until }), earlier)).toHaveLength(1);
  });

  it("asks to look again where the missing was sent again", () => {
    const [need] = needsOf(nightly(0, { differences: twoMissing, repaired: 2 }));
    expect(need).toContain("2 were sent again; see that they arrived: causeway verify --since");
    expect(need).not.toContain("--repair");
  });

  it("says why nothing was sent where a repair was refused", () => {
    const note = "120 records (3.0 %) of ce are missing: too many to be repaired by themselves";
    const [need] = needsOf(nightly(0, { differences: twoMissing, note }));
    expect(need).toContain(`Nothing was sent: ${note}. Find what stopped them`);
  });

  it("is a verification that broke off or whose instance was lost, too", () => {
    const lost = nightly(0, { state: "running", createdAt: startOfTime - 16 * 60_000 });
    const [broken, gone] = needsOf(nightly(0, { id: "x", state: "failed", endedAt: null }), lost);
    expect(broken).toContain("nobody knows. Verify again: causeway verify --since");
    expect(gone).toContain("nobody knows");
    expect(needsOf(nightly(0, { state: "running" }))).toEqual([]);
  });

  it("is forgotten after a week", () => {
    expect(needsOf(nightly(7, { differences: twoMissing }))).toHaveLength(1);
    expect(needsOf(nightly(8, { differences: twoMissing }))).toEqual([]);
  });
});

describe("the last comparison with F&O", () => {
  it("is the last that went to its end, with its sums", () => {
    const differences = [countsOf({ missing: 2 }), countsOf({ target: "crm", missing: 1 })];
    const running = nightly(0, { id: "now", state: "running" });
    expect(toLastVerification([running, nightly(1, { differences })])).toMatchObject({
      ...{ id: "v1", compared: 10, missing: 3, doubled: 0, differing: 0 },
    });
    expect(toLastVerification([running])).toBeNull();
  });

  it("is on the overview as it was stored, with what it left", async () => {
    const world = new DeliveryWorld();
    const stored: Verification = {
      ...nightly(0),
      ...{ repair: false, include: [], findings: [], replayId: "" },
      counts: [countsOf({ missing: 1 }), countsOf({ legalEntity: "demf", compared: 5 })],
    };
    await createVerificationStore(world.memory).save(stored);
    const { attention, lastVerification } = await readOverview(await readsOver(world));
    expect(lastVerification).toMatchObject({ id: "v0", compared: 15, missing: 1 });
    expect(attention).toMatchObject([
      {
        kind: "verification",
        verification: "v0",
        title: "What F&O posted and the targets differ",
        text: expect.stringContaining(": usmf: 1 missing in ce."),
      },
    ]);
  });
});
