import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import type { OperatorAnswer } from "../../../functions/src/operator/operator-route.ts";
import type { FailureSummary } from "../../../functions/src/recovery/failure.ts";
import { findFailures } from "../../../functions/src/recovery/find-failures.ts";
import { incompressible } from "../../support/incompressible.ts";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorAsk, OperatorWorld } from "../../support/operator-world.ts";

let world: OperatorWorld;
let failure: FailureSummary;

beforeEach(async () => {
  world = await createOperatorWorld();
  await world.replays.fail(1);
  const { failures } = await findFailures(world.replays.failures, {}, { limit: 1 });
  const [only] = failures;
  if (only === undefined) throw new Error("nothing failed");
  failure = only;
});

afterEach(() => world.close());

interface Answer {
  readonly error?: { readonly code: string; readonly message: string };
  readonly id: string;
  readonly state: string;
  readonly replayId: string;
  readonly edits: readonly unknown[];
}

async function ask(request: OperatorAsk): Promise<Answer & Pick<OperatorAnswer, "status">> {
  const { status, body } = await world.ask(request);
  return { ...(body as Answer), status };
}

const goodChange = { path: "customer.email", value: "new@contoso-retail.example" };

function propose(
  changes: readonly object[] = [goodChange],
  more: Partial<OperatorAsk> = {},
): ReturnType<typeof ask> {
  const path = `failures/${failure.target}/${failure.failureId}/edits`;
  const body = { changes, reason: "typing error in F&O" };
  return ask({ method: "POST", path, body, as: "Operator", ...more });
}

/** Another person than the world's own. */
async function asBen(method: string, path: string, body?: unknown): ReturnType<typeof ask> {
  const token = await world.token({ principalId: "p-ben", appRoles: ["Approver"] });
  return ask({ method, path, body, authorization: `Bearer ${token}` });
}

async function sent(): Promise<string | undefined> {
  const { eventId, time, target } = failure;
  const event = await world.parts.recovery.ledger.loadDeliveryBody({ eventId, time, target });
  return event.data?.customer.email ?? undefined;
}

describe("an edit", () => {
  it("is shown as a difference, approved by a second person, replayed, and delivered with the edit", async () => {
    const proposed = await propose();
    expect(proposed).toMatchObject({
      status: 201,
      state: "proposed",
      changes: [
        {
          path: "data.customer.email",
          before: '"ap@contoso-retail.example"',
          after: '"new@contoso-retail.example"',
        },
      ],
    });
    expect(await sent()).toBe("ap@contoso-retail.example");

    const approved = await asBen("POST", `edits/${proposed.id}/approve`);

    expect(approved).toMatchObject({ status: 200, state: "approved" });
    expect(world.kicked).toEqual([approved.replayId]);
    await world.replays.run(approved.replayId);
    expect(await world.replays.job(approved.replayId)).toMatchObject({
      state: "done",
      ended: { delivered: 1 },
    });
    expect(await sent()).toBe("new@contoso-retail.example");
    const { eventId, time } = failure;
    const { event } = await world.parts.recovery.ledger.loadAccepted(eventId, time);
    expect(event.data?.customer.email).toBe("ap@contoso-retail.example");
  });

  it("is shown whole to whoever approves it, before and after somebody decided", async () => {
    // Longer than what a replay keeps of a value.
    const [name, description] = [incompressible(1_000), incompressible(999)];
    const wanted = [
      { path: "customer.name", value: name },
      { path: "lines.0.description", value: description },
    ];
    const expected = [
      expect.objectContaining({ path: "data.customer.name", after: JSON.stringify(name) }),
      expect.objectContaining({
        path: "data.lines.0.description",
        after: JSON.stringify(description),
      }),
    ];
    const proposed = await propose(wanted);
    expect(proposed).toMatchObject({ status: 201, changes: expect.arrayContaining(expected) });
    expect((await asBen("GET", "edits")).edits).toMatchObject([
      { changes: expect.arrayContaining(expected) },
    ]);
    await asBen("POST", `edits/${proposed.id}/reject`, { reason: "not needed" });
    expect((await asBen("GET", "edits")).edits).toMatchObject([
      { state: "rejected", changes: expect.arrayContaining(expected) },
    ]);
  });

  it("leaves its story in the audit, without values", async () => {
    const { id } = await propose();
    await asBen("POST", `edits/${id}/reject`, { reason: "the address was right" });
    const { body } = await world.ask({ path: "audit" });
    const { entries } = body as { readonly entries: readonly object[] };
    expect(entries).toHaveLength(2);
    expect(entries).toContainEqual(
      expect.objectContaining({ action: "edits.propose", reason: "typing error in F&O" }),
    );
    expect(entries).toContainEqual(
      expect.objectContaining({ action: "edits.reject", reason: "the address was right" }),
    );
    expect(JSON.stringify(body)).not.toContain("contoso-retail");
  });

  it("is rejected with a reason and changes nothing", async () => {
    const { id } = await propose();
    const rejected = await asBen("POST", `edits/${id}/reject`, { reason: "not needed" });
    expect(rejected).toMatchObject({ status: 200, state: "rejected", decision: "not needed" });
    expect(await asBen("POST", `edits/${id}/approve`)).toMatchObject({
      status: 409,
      error: { code: "EDIT_DECIDED" },
    });
    expect(await sent()).toBe("ap@contoso-retail.example");
    expect(world.kicked).toEqual([]);
  });

  it("shows its values to those only who may act on them", async () => {
    await propose();
    const { edits } = await ask({ path: "edits", as: "Reader" });
    expect(edits).toMatchObject([{ changes: [{ before: "***", after: "***" }] }]);
  });

  it("is not approved by its author", async () => {
    const { id } = await propose([goodChange], { as: "Approver" });
    expect(await ask({ method: "POST", path: `edits/${id}/approve` })).toMatchObject({
      status: 403,
      error: { code: "EDIT_OWN" },
    });
  });

  it("is not approved once its failure is decided", async () => {
    const { id } = await propose();
    await world.replays.failures.move([{ failure, to: "discarded" }]);
    expect(await asBen("POST", `edits/${id}/approve`)).toMatchObject({
      status: 409,
      error: { code: "FAILURE_DECIDED" },
    });
    expect(await propose()).toMatchObject({ status: 409, error: { code: "FAILURE_DECIDED" } });
  });

  it("goes on where an approval broke off before its replay was there", async () => {
    const { id } = await propose();
    const broken = jest
      .spyOn(world.parts.recovery.replays, "create")
      .mockRejectedValue(new Error("killed"));
    expect(await asBen("POST", `edits/${id}/approve`)).toMatchObject({ status: 500 });
    broken.mockRestore();
    const approved = await asBen("POST", `edits/${id}/approve`);
    expect(approved).toMatchObject({ status: 200, state: "approved" });
    expect(world.kicked).toEqual([approved.replayId]);
  });

  it.each([
    "total",
    "customer.account",
    "number",
    "date",
    "lines.0.amount",
    "lines.0.quantity",
    "salesOrder",
    "__proto__.polluted",
  ])("never touches %s", async (path) => {
    expect(await propose([{ path, value: "1" }])).toMatchObject({
      status: 400,
      error: { code: "EDIT_PROTECTED", message: expect.stringContaining(path) },
    });
  });

  it.each([
    { what: "breaks the schema", change: { path: "lines.0.description", value: null } },
    { what: "names a line that is not there", change: { path: "lines.7.description", value: "x" } },
    {
      what: "changes nothing",
      change: { path: "customer.email", value: "ap@contoso-retail.example" },
    },
  ])("that $what is refused with the reason", async ({ change }) => {
    expect(await propose([change])).toMatchObject({ status: 400, error: { code: "EDIT_INVALID" } });
  });

  it("of a failure that is not there is refused", async () => {
    expect(await propose([goodChange], { path: "failures/ce/none/edits" })).toMatchObject({
      status: 404,
      error: { code: "FAILURE_UNKNOWN" },
    });
  });

  it("is refused where the stack does not allow edits", async () => {
    const off = await createOperatorWorld({ allowEdits: false });
    const path = `failures/${failure.target}/${failure.failureId}/edits`;
    const body = { changes: [goodChange], reason: "typing error in F&O" };
    const answer = await off.ask({ method: "POST", path, body });
    await off.close();
    expect(answer).toMatchObject({
      status: 403,
      body: { error: { code: "EDITS_NOT_ENABLED" } },
    });
  });

  it("that is not there cannot be decided", async () => {
    expect(await asBen("POST", "edits/none/approve")).toMatchObject({
      status: 404,
      error: { code: "EDIT_UNKNOWN" },
    });
  });
});
