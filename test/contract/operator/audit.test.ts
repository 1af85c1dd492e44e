import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorWorld } from "../../support/operator-world.ts";
import { failureOf } from "../../support/stored-failure.ts";

let world: OperatorWorld;

beforeEach(async () => {
  world = await createOperatorWorld();
});

afterEach(() => world.close());

interface Entry {
  readonly caller: string;
  readonly action: string;
  readonly reason: string;
  readonly subject: string;
  readonly details: { readonly failureIds?: readonly string[] };
}

async function entries(): Promise<readonly Entry[]> {
  const { body } = await world.ask({ path: "audit" });
  return (body as { readonly entries: readonly Entry[] }).entries;
}

describe("the audit", () => {
  it("names every one of many failures that were discarded together", async () => {
    const failures = Array.from({ length: 1_100 }, (_none, index) => failureOf(index + 1));
    await world.parts.recovery.failures.record(failures);
    const body = { selection: { filter: { target: "ce" } }, reason: "posted by mistake" };
    await world.ask({ method: "POST", path: "failures/discard", body });
    const told = await entries();
    expect(told.map(({ subject }) => subject).sort()).toEqual([
      "1100 failures, part 1 of 3",
      "1100 failures, part 2 of 3",
      "1100 failures, part 3 of 3",
    ]);
    expect(told.flatMap(({ details }) => details.failureIds ?? []).sort()).toEqual(
      failures.map(({ failureId }) => failureId).sort(),
    );
  });

  it("tells which of two approvals at once came to nothing", async () => {
    await world.replays.fail(1);
    const { failureId } = await world.replays.delivery.row();
    const proposed = await world.ask({
      method: "POST",
      path: `failures/ce/${failureId ?? ""}/edits`,
      body: {
        changes: [{ path: "customer.email", value: "new@contoso-retail.example" }],
        reason: "typing error in F&O",
      },
    });
    const { id } = proposed.body as { readonly id: string };
    const approveAs = async (principalId: string): Promise<number> => {
      const token = await world.token({ principalId, appRoles: ["Approver"] });
      const path = `edits/${id}/approve`;
      return (await world.ask({ method: "POST", path, authorization: `Bearer ${token}` })).status;
    };
    // Cleo approves while Ben's approval is on its way.
    const { memory } = world.replays.delivery;
    const write = memory.write.bind(memory);
    let other: number | undefined;
    jest.spyOn(memory, "write").mockImplementation(async (table, each) => {
      if (table === "audit" && other === undefined) {
        other = 0;
        other = await approveAs("p-cleo");
      }
      return write(table, each);
    });
    expect([await approveAs("p-ben"), other]).toEqual([409, 200]);
    const told = await entries();
    const actions = told.map(({ action }) => action);
    expect(actions.filter((action) => action === "edits.approve")).toHaveLength(2);
    expect(told.filter(({ action }) => action === "edits.overtaken")).toMatchObject([
      { reason: "not approved: somebody else was faster" },
    ]);
  });
});
