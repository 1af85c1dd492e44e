import { beforeAll, describe, expect, it } from "@jest/globals";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { dev } from "./usual-stacks.ts";

const READS = "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0";
const SENDS = "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39";
const OWNS_BLOBS = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b";
const WRITES_BLOBS = "ba92f5b4-2d11-453d-a403-e96b0029c9fe";
const WRITES_TABLES = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3";
const READS_SECRETS = "4633458b-17de-408a-b874-0445c86b69e6";
const SENDS_TELEMETRY = "3913510d-42f4-4e42-8a64-420c390055eb";
const SENDS_MAIL = "09976791-48a7-449e-bb21-39d1a415f350";

const byText = (left: readonly string[], right: readonly string[]): number =>
  left.join().localeCompare(right.join());

describe("roles", () => {
  let stack: CapturedStack;
  let again: CapturedStack;

  beforeAll(async () => {
    stack = await captureStack("dev", dev.namedWithVaultReader);
    again = await captureStack("dev", dev.named);
  });

  const heldBy = (holder: string): readonly (readonly [string, string])[] =>
    stack.assignments
      .filter(({ principalId }) => principalId.endsWith(holder))
      .map(({ roleId, scope }) => [roleId, scope.split("/").slice(8).join("/")] as const)
      .sort(byText);

  it("let the function app read and send exactly where it must", () => {
    const service = "sb-causeway-dev-abcde";

    expect(heldBy("/id-causeway-dev-functions")).toEqual(
      [
        [READS, `${service}/queues/business-events`],
        [READS, `${service}/queues/dead-letters`],
        [READS, `${service}/topics/integration-events/subscriptions/ce`],
        [READS, `${service}/topics/integration-events/subscriptions/crm`],
        [READS, `${service}/topics/integration-events/subscriptions/email`],
        [SENDS, `${service}/queues/business-events`],
        [SENDS, `${service}/queues/dead-letters`],
        [SENDS, `${service}/topics/integration-events`],
        [OWNS_BLOBS, "stcausewaydevabcde"],
        [WRITES_TABLES, "stcausewaydevabcde"],
        [SENDS_TELEMETRY, "appi-causeway-dev"],
        [READS_SECRETS, "kv-dev-app-abcde/secrets/owner-webhooks"],
        [SENDS_MAIL, "acs-causeway-dev-abcde"],
      ].sort(byText),
    );
  });

  it("let Event Grid send to the queue and keep what it could not deliver", () => {
    expect(heldBy("/id-causeway-dev-event-grid")).toEqual([
      [SENDS, "sb-causeway-dev-abcde/queues/business-events"],
      [WRITES_BLOBS, "stcausewaydevabcde/blobServices/default/containers/event-grid-dead-letters"],
    ]);
  });

  it("let each workflow do its one thing", () => {
    expect(heldBy("/id-causeway-dev-crm")).toEqual([
      [READS_SECRETS, "kv-dev-app-abcde/secrets/crm-client-secret"],
    ]);
    expect(heldBy("/id-causeway-dev-email")).toEqual([[SENDS_MAIL, "acs-causeway-dev-abcde"]]);
  });

  it("let F&O's app read the vault of its own door", () => {
    expect(heldBy("33333333-3333-3333-3333-333333333333")).toEqual([
      [READS_SECRETS, "kv-dev-dev-abcde"],
    ]);
  });

  it("are nobody else's", () => {
    const known = /(functions|event-grid|crm|email|33333333-3333-3333-3333-333333333333)$/;
    const others = stack.assignments.filter(({ principalId }) => !known.test(principalId));

    expect(others).toEqual([]);
  });

  it("keep their names over deployments", () => {
    const names = (one: CapturedStack): readonly unknown[] =>
      one
        .of("authorization:RoleAssignment")
        .filter(({ name }) => !name.startsWith("door-"))
        .map(({ name, inputs }) => [name, inputs["roleAssignmentName"]])
        .sort();

    expect(names(again)).toEqual(names(stack));
  });
});
