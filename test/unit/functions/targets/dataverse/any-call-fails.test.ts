import { describe, expect, it } from "@jest/globals";
import type { CanonicalEvent } from "../../../../../schemas/types/canonical-event.ts";
import type { Outcome } from "../../../../../functions/src/targets/target.ts";
import { createCeTargetFixture, invoiceEvent } from "../../../../support/ce-target-fixture.ts";
import type { CeTargetFixture } from "../../../../support/ce-target-fixture.ts";
import { faultAt, FaultyPorts } from "../../../../support/faulty-ports.ts";

const events = [1, 2, 3].map((n) => invoiceEvent(n));
const mostTries = 6;

/** As delivery does: what got no good answer is tried again, also when the target itself threw. */
async function deliverAll(fixture: CeTargetFixture): Promise<number> {
  let left: readonly CanonicalEvent[] = events;
  for (let tries = 1; tries <= mostTries; tries += 1) {
    const answers = tries === 1 ? fixture.deliver(...left) : fixture.deliverAgain(...left);
    const outcomes: readonly (Outcome | null)[] = await answers.catch(() => []);
    left = left.filter((_event, index) => outcomes[index]?.kind !== "delivered");
    if (left.length === 0) return tries;
  }
  throw new Error(`${left.length} are not delivered after ${mostTries} tries`);
}

async function countCalls(): Promise<readonly string[]> {
  const faults = new FaultyPorts();
  await deliverAll(await createCeTargetFixture({}, { faults }));
  return faults.calls.map(({ port, method }) => `${port}.${method}`);
}

describe("documents that go to CE while one call of ours fails", () => {
  it.each(["before", "after"] as const)(
    "are there once, whichever call fails %s its effect",
    async (when) => {
      const calls = await countCalls();
      expect(calls).toEqual(expect.arrayContaining(["http.call", "clock.now"]));
      for (let index = 1; index <= calls.length; index += 1) {
        const faults = new FaultyPorts();
        faults.plan = faultAt(index, { how: "fail", when });
        const fixture = await createCeTargetFixture({}, { faults });
        await deliverAll(fixture);
        const { json } = await fixture.call("GET", "invoices?$select=invoicenumber");
        const numbers = (json["value"] as readonly { readonly invoicenumber: string }[]).map(
          ({ invoicenumber }) => invoicenumber,
        );
        expect(numbers.sort()).toEqual(["CIV-1", "CIV-2", "CIV-3"]);
        const lines = await fixture.call("GET", "invoicedetails?$select=invoicedetailid");
        expect(lines.json["value"]).toHaveLength(
          events.flatMap(({ data }) => data?.lines ?? []).length,
        );
      }
    },
  );
});
