import { describe, expect, it } from "@jest/globals";
import { createIntakeLedger } from "../../../../functions/src/delivery/intake-ledger.ts";
import type { JourneySummary } from "../../../../functions/src/operator/reads/answers.ts";
import { listJourneys } from "../../../../functions/src/operator/reads/list-journeys.ts";
import type { ReadDependencies } from "../../../../functions/src/operator/reads/read-dependencies.ts";
import { DeliveryWorld } from "../../../support/delivery-world.ts";
import { numberedEvent } from "../../../support/numbered-event.ts";
import { readsOver } from "../../../support/reads-world.ts";

const since = Date.parse("2026-11-30T23:45:00.000Z");
const until = Date.parse("2026-12-01T00:15:00.000Z");
const times = ["2026-11-30T23:50:10.000Z", "2026-11-30T23:59:59.999Z", "2026-12-01T00:10:00.000Z"];
const eventsPerMinute = 9;

/** Events for three targets around a month's end; some were sent again with what F&O has now. */
async function aroundTheEnd(): Promise<ReadDependencies> {
  const world = new DeliveryWorld();
  const events = times.flatMap((time, minute) =>
    Array.from({ length: eventsPerMinute }, (_none, n) =>
      numberedEvent(minute * eventsPerMinute + n + 1, { time }),
    ),
  );
  const targets = ["ce", "crm", "email"].map((name) => ({
    name,
    initial: { state: "pending" as const },
  }));
  await createIntakeLedger(world.ledger, world.clock).accept(
    events.map((event) => ({ event, targets, customerAccount: "US-001" })),
  );
  for (const event of events.slice(0, 20)) {
    const id = { eventId: event.id, time: event.time, target: "ce" };
    await world.ledger.saveDeliveryBody(id, event);
  }
  return readsOver(world);
}

async function listAll(
  on: ReadDependencies,
  search: { readonly limit: number; readonly legalEntity?: string },
): Promise<readonly JourneySummary[]> {
  const found: JourneySummary[] = [];
  let continuation: string | undefined;
  do {
    const more = continuation === undefined ? {} : { continuation };
    const answer = await listJourneys(on, { since, until, ...search, ...more });
    expect(answer.journeys.length).toBeLessThanOrEqual(search.limit);
    found.push(...answer.journeys);
    continuation = answer.continuation;
  } while (continuation !== undefined);
  return found;
}

const all = Array.from(
  { length: times.length * eventsPerMinute },
  (_none, index) => `CIV-${String(index + 1).padStart(6, "0")}`,
);

describe("events by their time", () => {
  it.each([1, 2, 3, 5, 7, 50])(
    "lists each event once, with all its states, whatever the page size, after a replay that changed it, and over a month's end (%d)",
    async (limit) => {
      const on = await aroundTheEnd();
      const found = await listAll(on, { limit });
      expect(found.map(({ number }) => number).sort()).toEqual(all);
      for (const { states } of found) {
        expect(states).toEqual({
          intake: "accepted",
          ce: "pending",
          crm: "pending",
          email: "pending",
        });
      }
      const own = await listAll(on, { limit, legalEntity: "USMF" });
      expect(own.map(({ number }) => number).sort()).toEqual(all);
    },
  );

  it("goes on, and ends, past hours in which another company has everything", async () => {
    const on = await aroundTheEnd();
    expect(await listAll(on, { limit: 1, legalEntity: "demf" })).toEqual([]);
  });
});
