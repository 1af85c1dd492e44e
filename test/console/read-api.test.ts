import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { OperatorAnswer } from "../../functions/src/operator/operator-route.ts";
import { numberedEvent } from "../support/numbered-event.ts";
import { createOperatorWorld } from "../support/operator-world.ts";
import type { OperatorAsk, OperatorWorld, Role } from "../support/operator-world.ts";

let world: OperatorWorld;

beforeAll(async () => {
  world = await createOperatorWorld();
  await world.replays.delivery.accept(numberedEvent(1));
  await world.replays.delivery.settle();
});

afterAll(() => world.close());

const codeOf = ({ body }: OperatorAnswer): string | undefined =>
  (body as { readonly error?: { readonly code: string } }).error?.code;

interface Endpoint extends OperatorAsk {
  readonly least: Role;
}

const { id } = numberedEvent(1);
const reason = { reason: "upgrade" };
const endpoints: readonly Endpoint[] = [
  { least: "Reader", path: "overview" },
  { least: "Reader", path: "journeys?key=CIV-000001" },
  { least: "Reader", path: `journeys/${id}` },
  { least: "Reader", path: "activity" },
  { least: "Reader", path: "targets" },
  { least: "Operator", method: "POST", path: "targets/ce/pause", body: reason },
  { least: "Operator", method: "POST", path: "targets/ce/resume", body: reason },
  { least: "Reader", path: "flows" },
  {
    least: "Reader",
    method: "POST",
    path: "flows/invoice-posted/try",
    body: { target: "ce", sample: "sales-invoice" },
  },
  { least: "Operator", method: "POST", path: "samples", body: { event: "sales-invoice" } },
];
const roles: readonly Role[] = ["none", "Reader", "Operator", "Approver"];

describe("the read routes' doors", () => {
  const cases = endpoints.flatMap((ask) =>
    roles.map((role) => ({
      ...ask,
      role,
      isAllowed: roles.indexOf(role) >= roles.indexOf(ask.least),
    })),
  );

  it.each(cases)("$path lets $role in: $isAllowed", async ({ role, isAllowed, ...ask }) => {
    const answer = await world.ask({ ...ask, as: role });
    expect([answer.status < 300, codeOf(answer)]).toEqual([
      isAllowed,
      isAllowed ? undefined : "ROLE_MISSING",
    ]);
  });

  it.each(endpoints)("$path is shut without a token", async (ask) => {
    expect(codeOf(await world.ask({ ...ask, authorization: null }))).toBe("NOT_SIGNED_IN");
  });

  // A cookie is never looked at, so another site's page has nothing to send along.
  it("takes nothing but a bearer token for a sign-in", async () => {
    for (const authorization of ["Basic YTpi", "Cookie x", "Bearer ", "Bearer a.b.c"]) {
      const answer = await world.ask({ path: "overview", authorization });
      expect(codeOf(answer)).toBe("NOT_SIGNED_IN");
    }
  });
});

describe("bad input", () => {
  const refused: readonly string[] = [
    "journeys",
    "journeys?key=a&customer=b",
    "journeys?key=a&limit=201",
    "journeys?key=a&limit=0",
    "journeys?key=a&limit=x",
    `journeys?key=${"x".repeat(201)}`,
    "journeys?since=yesterday",
    "journeys?key=a&colour=red",
    "journeys?key=a&continuation=x",
    "journeys?since=2026-11-24T12:00:00Z&continuation=x",
    "journeys?since=2026-11-24T12:00:00Z&continuation=202610010000-1/",
    "activity?since=1",
    "activity?limit=1000",
    "overview?x=1",
  ];

  it.each(refused)("%s is refused in words", async (path) => {
    const answer = await world.ask({ path });
    expect([answer.status, codeOf(answer)]).toEqual([400, "REQUEST_INVALID"]);
  });

  it.each([
    "' or PartitionKey ne '",
    "x' or '1' eq '1",
    "../../failures",
    "<script>alert(1)</script>",
    "%00",
    "\u202e",
  ])("finds nothing for %j and harms nothing", async (text) => {
    const answer = await world.ask({ path: `journeys?key=${encodeURIComponent(text)}` });
    expect(answer).toMatchObject({ status: 200, body: { journeys: [] } });
  });

  it("refuses a body that is too long, no JSON or has unknown members", async () => {
    const path = "targets/ce/pause";
    const bodies = [
      { reason: "x".repeat(1_000_001) },
      { reason: "" },
      { reason: "x", force: true },
      {},
    ];
    for (const body of bodies) {
      expect(codeOf(await world.ask({ method: "POST", path, body }))).toBe("REQUEST_INVALID");
    }
  });

  it("says which event, target or flow it does not know", async () => {
    const ask = (path: string, body?: unknown): Promise<OperatorAnswer> =>
      world.ask(body === undefined ? { path } : { method: "POST", path, body });
    expect(codeOf(await ask("journeys/nobody"))).toBe("JOURNEY_UNKNOWN");
    expect(codeOf(await ask("targets/moon/pause", reason))).toBe("TARGET_UNKNOWN");
    expect(codeOf(await ask("flows/__proto__/try", { target: "ce" }))).toBe("FLOW_UNKNOWN");
    expect(codeOf(await ask("flows/invoice-posted/try", { target: "constructor" }))).toBe(
      "FLOW_UNKNOWN",
    );
  });
});

describe("the targets", () => {
  it("come with each limit's words and figures", async () => {
    const { body } = await world.ask({ path: "targets", as: "Reader" });
    const { targets } = body as { readonly targets: readonly { readonly quota: unknown }[] };
    expect(targets[3]?.quota).toEqual([
      {
        what: "calls an hour",
        limit: 90,
        used: 0,
        left: 90,
        ahead: 0,
        at: "2026-11-24T12:00:00.000Z",
      },
    ]);
  });
});

describe("what a role sees and leaves behind", () => {
  it("masks names and addresses for a Reader only", async () => {
    const seen = async (as: Role): Promise<string> =>
      JSON.stringify((await world.ask({ path: `journeys/${id}`, as })).body);
    expect(await seen("Reader")).toContain('"name":"***"');
    expect(await seen("Operator")).not.toContain("***");
  });

  it("writes who paused a target, and why, into the audit", async () => {
    await world.ask({ method: "POST", path: "targets/ce/pause", body: { reason: "move" } });
    const { body } = await world.ask({ path: "audit" });
    expect(JSON.stringify(body)).toContain(
      '"action":"targets.pause","subject":"ce","reason":"move"',
    );
    await world.ask({ method: "POST", path: "targets/ce/resume", body: { reason: "moved" } });
  });
});
