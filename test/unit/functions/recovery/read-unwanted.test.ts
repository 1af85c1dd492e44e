import { describe, expect, it } from "@jest/globals";
import { CausewayError } from "../../../../functions/src/platform/causeway-error.ts";
import { readUnwanted } from "../../../../functions/src/recovery/verify/read-unwanted.ts";
import type { Finding } from "../../../../functions/src/recovery/verify/verification.ts";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { lightFlow } from "../../../support/light-flow.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";

function finding(n: number, changes: Partial<Finding> = {}): Finding {
  const { effectkey: effectKey, id: eventId, time } = numberedEvent(n);
  const names = { target: "crm", legalEntity: "usmf", number: `CIV-00000${n}` };
  const found = { ...names, kind: "missing", effectKey, eventId, time, cause: "NEVER_ATTEMPTED" };
  return { ...found, settledAt: null, ...changes } as Finding;
}

function ledgerOf(events: readonly CanonicalEvent[]) {
  const read: string[] = [];
  const loadDeliveryBody = ({ eventId }: { readonly eventId: string }): Promise<CanonicalEvent> => {
    read.push(eventId);
    const event = events.find(({ id }) => id === eventId);
    if (event !== undefined) return Promise.resolve(event);
    return Promise.reject(new CausewayError("BODY_RETENTION_OVER", "gone", { fate: "permanent" }));
  };
  return { ledger: { loadDeliveryBody }, read };
}

const signal = new AbortController().signal;
const notTheSecond = [lightFlow({ ce: {}, crm: { when: "data.number != 'CIV-000002'" } })];

describe("what seems to be missing at a target", () => {
  it("is asked of the flow by its event, and nothing else is read", async () => {
    const { ledger, read } = ledgerOf([1, 2, 3, 4].map((n) => numberedEvent(n)));
    const findings = [
      finding(1),
      finding(2),
      finding(3, { kind: "differing" }),
      finding(4, { eventId: "", cause: "NO_EVENT" }),
    ];
    const unwanted = await readUnwanted({ ledger, flows: notTheSecond }, "crm", findings, signal);

    expect([...unwanted]).toEqual([numberedEvent(2).effectkey]);
    expect(read).toEqual([numberedEvent(1).id, numberedEvent(2).id]);
  });

  it("is not read at all for a target without a rule", async () => {
    const { ledger, read } = ledgerOf([numberedEvent(2)]);
    await readUnwanted({ ledger, flows: notTheSecond }, "ce", [finding(2)], signal);

    expect(read).toEqual([]);
  });

  it("stays missing when its event's retention is over, or the rule fails on it", async () => {
    const { ledger } = ledgerOf([numberedEvent(2)]);
    const fails = [lightFlow({ crm: { when: "$number('x') = 1" } })];
    const missing = [finding(1), finding(2)];

    expect((await readUnwanted({ ledger, flows: fails }, "crm", missing, signal)).size).toBe(0);
  });
});
