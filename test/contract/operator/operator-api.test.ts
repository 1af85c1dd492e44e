import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorAsk, OperatorWorld, Role } from "../../support/operator-world.ts";
import { failureOf } from "../../support/stored-failure.ts";

let world: OperatorWorld;

beforeAll(async () => {
  world = await createOperatorWorld();
  await world.parts.recovery.failures.record([failureOf(1)]);
});

afterAll(async () => {
  await world.close();
});

const codeOf = (body: unknown): string | undefined =>
  (body as { error?: { code: string } }).error?.code;

const id = failureOf(1).failureId;

const moonWindow = { from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z", target: "moon" };

interface Endpoint {
  readonly least: Role;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

const get = (least: Role, path: string): Endpoint => ({ least, method: "GET", path });
const post = (least: Role, path: string, body: unknown): Endpoint => ({
  least,
  method: "POST",
  path,
  body,
});

const endpoints: readonly Endpoint[] = [
  get("Reader", "me"),
  get("Reader", "failures"),
  get("Reader", "failure-groups"),
  get("Reader", `failures/ce/${id}`),
  post("Operator", `failures/ce/${id}/notes`, { text: "asked finance" }),
  post("Operator", "failures/discard", {
    selection: { ids: [{ target: "ce", failureId: id }] },
    reason: "paid by hand",
    dryRun: true,
  }),
  post("Operator", "replays", { selection: { filter: { target: "ce" } }, dryRun: true }),
  get("Reader", "replays"),
  get("Reader", "edits"),
  get("Reader", "verifications"),
  post("Operator", "verifications", { since: "2026-11-24T10:00:00Z" }),
  get("Reader", "audit"),
];
const ranks: readonly Role[] = ["none", "Reader", "Operator", "Approver"];

describe("the operator API's doors", () => {
  const cases = endpoints.flatMap((endpoint) =>
    ranks.map((role) => ({
      ...endpoint,
      role,
      allowed: ranks.indexOf(role) >= ranks.indexOf(endpoint.least),
    })),
  );

  it.each(cases)(
    "$method $path lets $role in: $allowed",
    async ({ role, method, path, body, allowed }) => {
      const { status, body: answer } = await world.ask({ method, path, body, as: role });

      expect(codeOf(answer)).toBe(allowed ? undefined : "ROLE_MISSING");
      expect(status < 300).toBe(allowed);
    },
  );

  it.each(endpoints)("let nobody in without a token ($method $path)", async (endpoint) => {
    const { status, body } = await world.ask({ ...endpoint, authorization: null });

    expect([status, codeOf(body)]).toEqual([401, "NOT_SIGNED_IN"]);
  });

  const refused: readonly (readonly [string, () => Promise<string>])[] = [
    [
      "for another audience",
      () => world.token({ audience: "api://other", appRoles: ["Approver"] }),
    ],
    ["that is over", () => world.token({ lifetimeMs: -600_000, appRoles: ["Approver"] })],
    [
      "that was changed",
      async () => `${(await world.token({ appRoles: ["Approver"] })).slice(0, -6)}AAAAAA`,
    ],
    ["that is none", () => Promise.resolve("abc.def.ghi")],
  ];

  it.each(refused)("refuse a token %s", async (_what, make) => {
    const ask: OperatorAsk = { path: "me", authorization: `Bearer ${await make()}` };

    expect((await world.ask(ask)).status).toBe(401);
  });

  it("are shut for addresses from which the stack is not operated, before any token is looked at", async () => {
    const closed = await createOperatorWorld({ addresses: ["10.0.0.0/8"] });
    const ask = { path: "me", as: "Operator" } as const;
    const inside = await closed.ask({ ...ask, clientIp: "10.40.0.132:50122" });
    const outside = await closed.ask({ ...ask, clientIp: "198.51.100.4:443" });
    await closed.close();

    expect(inside.status).toBe(200);
    expect([outside.status, codeOf(outside.body)]).toEqual([403, "ADDRESS_NOT_ALLOWED"]);
  });

  it("tell whoever is signed in that a route is unknown, and others nothing", async () => {
    expect(codeOf((await world.ask({ path: "nothing" })).body)).toBe("ROUTE_UNKNOWN");
    expect(codeOf((await world.ask({ path: "nothing", authorization: null })).body)).toBe(
      "NOT_SIGNED_IN",
    );
  });
});

describe("the operator API's answers", () => {
  it("say who is asking", async () => {
    const { body } = await world.ask({ path: "me", as: "Operator" });

    expect(body).toEqual({ name: "app:c-1", roles: ["Operator"] });
  });

  it("hide names and addresses in a body from a Reader only", async () => {
    const path = `failures/ce/${id}`;
    const [reader, operator] = [
      await world.ask({ path, as: "Reader" }),
      await world.ask({ path, as: "Operator" }),
    ].map(({ body }) => (body as { readonly body: string }).body);

    expect(operator).toBe(failureOf(1).body);
    expect(JSON.parse(reader ?? "")).toMatchObject({
      data: { number: "CIV-000001", customer: { name: "***", email: "***" } },
    });
  });

  it.each([
    ["failures?statsu=open", "statsu is no parameter here"],
    ["failures?limit=0", "limit must be a whole number from 1 to 200"],
    ["failures?olderThan=yesterday", "olderThan must be an instant"],
    ["failures?status=lost", "There is no status lost"],
  ])("refuse %s with a reason", async (path, reason) => {
    const { status, body } = await world.ask({ path });

    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(reason);
  });

  it.each(["failures", "audit", "edits", "replays"])(
    "refuse to go on where no page of %s has ended",
    async (path) => {
      const { status, body } = await world.ask({ path: `${path}?continuation=x` });

      expect([status, codeOf(body)]).toEqual([400, "REQUEST_INVALID"]);
    },
  );

  it("refuse a body that the route does not know", async () => {
    const path = `failures/ce/${id}/notes`;
    const { body } = await world.ask({ method: "POST", path, body: { note: "x" } });

    expect(JSON.stringify(body)).toContain("must have required property 'text'");
    expect(JSON.stringify(body)).toContain("must NOT have additional properties: note");
  });

  it.each([
    ["list", { path: "failures?target=moon" }],
    ["group", { path: "failure-groups?target=moon" }],
    ["replay", { path: "replays", body: { selection: { filter: { target: "moon" } } } }],
    ["replay by time", { path: "replays", body: { selection: { window: moonWindow } } }],
    [
      "discard",
      {
        path: "failures/discard",
        body: { selection: { filter: { target: "moon" } }, reason: "old" },
      },
    ],
  ])("say which targets there are when there is none of that name (%s)", async (_what, ask) => {
    const { status, body } = await world.ask({
      ...("body" in ask ? { method: "POST" } : {}),
      ...ask,
    });

    expect([status, codeOf(body)]).toEqual([404, "TARGET_UNKNOWN"]);
    expect(JSON.stringify(body)).toContain("Use one of ce, intake.");
  });

  it("know a target that no flow has any more by its failures", async () => {
    await world.parts.recovery.failures.record([{ ...failureOf(2), target: "fax" }]);
    const { body } = await world.ask({ path: "failures?target=fax" });

    expect(body).toMatchObject({ failures: [{ target: "fax" }] });
  });

  it("tell of a failure that does not exist", async () => {
    const { status, body } = await world.ask({ path: "failures/ce/gone" });

    expect([status, codeOf(body)]).toEqual([404, "FAILURE_UNKNOWN"]);
  });
});

const selection = { ids: [{ target: "ce", failureId: id }] };

describe("a change by the operator API", () => {
  it("is refused on everything until it is said twice", async () => {
    const body = { selection: { all: true } };
    const asked = { method: "POST", path: "replays" };

    expect(codeOf((await world.ask({ ...asked, body })).body)).toBe("CONFIRMATION_MISSING");
    const discard = { ...body, reason: "cleaning up" };
    const { body: answer } = await world.ask({ ...asked, path: "failures/discard", body: discard });
    expect(codeOf(answer)).toBe("CONFIRMATION_MISSING");
  });

  it.each([
    ["replays", {}],
    ["failures/discard", { reason: "cleaning up" }],
  ])("says when nothing is selected (%s)", async (path, also) => {
    const body = { selection: { filter: { key: "NO-SUCH" } }, ...also };
    const { status, body: answer } = await world.ask({ method: "POST", path, body });

    expect([status, codeOf(answer)]).toEqual([404, "NOTHING_SELECTED"]);
  });

  it.each([
    ["no selection", {}],
    ["an empty filter", { selection: { filter: {} } }],
    ["two selections", { selection: { all: true, filter: { target: "ce" } } }],
    ["an unknown filter", { selection: { filter: { targte: "ce" } } }],
    ["a step of nothing", { selection, steps: [0] }],
    [
      "a window that ends before it begins",
      {
        selection: {
          window: { from: "2026-11-02T00:00:00Z", to: "2026-11-01T00:00:00Z", target: "ce" },
        },
      },
    ],
  ])("is refused with %s", async (_what, body) => {
    const { status, body: answer } = await world.ask({ method: "POST", path: "replays", body });

    expect([status, codeOf(answer)]).toEqual([400, "REQUEST_INVALID"]);
  });

  it("begins a replay, which is told to pause and to cancel, each with its audit row before it", async () => {
    const begun = await world.ask({
      method: "POST",
      path: "replays",
      body: { selection, reason: "mended" },
    });
    const { id: replayId } = begun.body as { readonly id: string };
    await world.ask({ method: "POST", path: `replays/${replayId}/pause` });
    await world.ask({ method: "POST", path: `replays/${replayId}/cancel` });

    expect(begun.status).toBe(201);
    expect(world.kicked).toEqual([replayId, replayId, replayId]);
    await world.replays.run(replayId);
    const { body } = await world.ask({ path: `replays/${replayId}` });
    expect(body).toMatchObject({ state: "cancelled", reason: "mended", by: "app:c-1" });
    const again = await world.ask({ method: "POST", path: `replays/${replayId}/resume` });
    expect(codeOf(again.body)).toBe("REPLAY_ENDED");
    const { body: audit } = await world.ask({ path: "audit" });
    const actions = (audit as { readonly entries: readonly { action: string }[] }).entries;
    const replays = actions.map(({ action }) => action).filter((action) => /^replays/.test(action));
    expect(replays.sort()).toEqual(["replays.begin", "replays.cancel", "replays.pause"]);
  });

  it("discards a failure: in its ledger row too, with who and why", async () => {
    const { replays } = world;
    await replays.fail(1);
    const failed = await replays.delivery.row();
    const body = {
      selection: { ids: [{ target: "ce", failureId: failed.failureId ?? "" }] },
      reason: "posted by mistake",
    };
    const { body: answer } = await world.ask({ method: "POST", path: "failures/discard", body });

    expect(answer).toEqual({ discarded: 1, noLongerOpen: 0, isMore: false, leftOut: [] });
    expect((await replays.delivery.row()).state).toBe("discarded");
    const stored = await replays.failures.get("ce", failed.failureId ?? "");
    expect(stored).toMatchObject({ status: "discarded", outcome: "posted by mistake" });
    const again = await world.ask({ method: "POST", path: "failures/discard", body });
    expect(codeOf(again.body)).toBe("NOTHING_SELECTED");
  });
});
