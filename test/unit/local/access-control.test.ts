import { describe, expect, it } from "@jest/globals";
import { createAccessControl } from "../../../local/access-control.ts";

const principalId = "0e1c3f52-35a5-4a8f-8f6b-0f5a2c1f7d11";
const sender = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39";
const queue =
  "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ServiceBus/namespaces/ns/queues/q1";

describe("access control", () => {
  it.each([
    ["the resource itself", queue, true],
    ["its namespace, written in another case", queue.split("/queues")[0]?.toUpperCase(), true],
    ["the resource group, with a slash at the end", "/subscriptions/s/resourceGroups/rg/", true],
    ["the root", "/", true],
    ["a sibling whose name begins with its name", queue.slice(0, -1), false],
    ["something below it", `${queue}/authorizationRules/a`, false],
  ])("an assignment at %s holds for a queue: %s is %s", (_where, scope, expected) => {
    const access = createAccessControl();
    access.assign({ principalId, roleId: sender.toUpperCase(), scope: scope ?? "" });
    expect(access.allows(principalId.toUpperCase(), [sender], queue)).toBe(expected);
  });

  it("refuses another role and another principal", () => {
    const access = createAccessControl();
    access.assign({ principalId, roleId: sender, scope: queue });
    expect(access.allows(principalId, ["4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0"], queue)).toBe(false);
    expect(access.allows("11111111-35a5-4a8f-8f6b-0f5a2c1f7d11", [sender], queue)).toBe(false);
  });

  it("counts what an assignment let through, and forgets one that is revoked", () => {
    const access = createAccessControl();
    const assignment = { principalId, roleId: sender, scope: queue };
    access.assign(assignment);
    access.allows(principalId, [sender], queue);
    access.allows(principalId, [sender], `${queue}/x`);
    expect(access.uses()).toEqual([{ ...assignment, count: 2 }]);

    access.revoke({ ...assignment, scope: queue.toUpperCase() });
    expect(access.allows(principalId, [sender], queue)).toBe(false);
    expect(access.uses()).toEqual([]);
  });

  it("names who holds a role at a place or above it, and tells of every change", () => {
    const access = createAccessControl();
    let changes = 0;
    access.watch(() => (changes += 1));
    const above = { principalId, roleId: sender.toUpperCase(), scope: "/subscriptions/s" };
    access.assign(above);
    expect(access.holders([sender], queue)).toEqual([principalId]);
    expect(access.holders([sender], "/subscriptions/other")).toEqual([]);
    access.revoke(above);
    expect(access.holders([sender], queue)).toEqual([]);
    expect(changes).toBe(2);
  });

  it("keeps what a principal was refused until its roles change", () => {
    const access = createAccessControl();
    access.allows(principalId, [sender], queue);
    access.allows(principalId, [sender], queue);
    expect(access.refusals()).toEqual([
      { principalId, roleIds: [sender], resourceId: queue.toLowerCase() },
    ]);
    access.assign({ principalId, roleId: sender, scope: queue });
    expect(access.refusals()).toEqual([]);
  });

  it("lists an assignment once, however often it is made", () => {
    const access = createAccessControl();
    access.assign({ principalId, roleId: sender, scope: queue });
    access.assign({ principalId, roleId: sender, scope: queue });
    expect(access.assignments()).toEqual([{ principalId, roleId: sender, scope: queue }]);
  });
});
