import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createOperatorWorld } from "../../support/operator-world.ts";
import type { OperatorAsk, OperatorWorld, Role } from "../../support/operator-world.ts";
import { failureOf } from "../../support/stored-failure.ts";

let world: OperatorWorld;

beforeAll(async () => {
  world = await createOperatorWorld();
  await world.parts.failures.record([failureOf(1)]);
});

afterAll(async () => {
  await world.close();
});

const codeOf = (body: unknown): string | undefined =>
  (body as { error?: { code: string } }).error?.code;

const id = failureOf(1).failureId;

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

  it("refuse a body that the route does not know", async () => {
    const path = `failures/ce/${id}/notes`;
    const { body } = await world.ask({ method: "POST", path, body: { note: "x" } });

    expect(JSON.stringify(body)).toContain("must have required property 'text'");
    expect(JSON.stringify(body)).toContain("must NOT have additional properties: note");
  });

  it("tell of a failure that does not exist", async () => {
    const { status, body } = await world.ask({ path: "failures/ce/gone" });

    expect([status, codeOf(body)]).toEqual([404, "FAILURE_UNKNOWN"]);
  });
});
