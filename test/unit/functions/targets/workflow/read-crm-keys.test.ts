import { describe, expect, it } from "@jest/globals";
import {
  readCrmKeys,
  toCrmPlace,
} from "../../../../../functions/src/targets/workflow/read-crm-keys.ts";
import type { WorkflowAnswer } from "../../../../../functions/src/targets/workflow/workflow-call.ts";
import type { Mapping } from "../../../../../schemas/types/mapping.ts";

const place = { object: "Invoice__c", externalIdField: "Causeway_Key__c" };
const signal = new AbortController().signal;
const keyOf = (number: number): string =>
  `0f1e2d3c-0000-5000-8000-${String(number).padStart(12, "0")}`;

/** A workflow that holds the records, and what it was asked. */
function createWorkflow(
  records: readonly { readonly effectKey: string; readonly amount: number }[],
) {
  const asked: unknown[] = [];
  const call = (body: unknown): Promise<WorkflowAnswer> => {
    asked.push(body);
    const { effectKeys } = body as { readonly effectKeys: readonly string[] };
    const found = records.filter(({ effectKey }) => effectKeys.includes(effectKey.toLowerCase()));
    return Promise.resolve({
      kind: "answered",
      status: 200,
      body: { status: "read", records: found },
    });
  };
  return { asked, call };
}

describe("what the CRM holds", () => {
  it("is told per key, with its total, however the CRM writes the key", async () => {
    const { call } = createWorkflow([
      { effectKey: keyOf(10).toUpperCase(), amount: 12.5 },
      { effectKey: keyOf(11), amount: 1 },
      { effectKey: keyOf(11), amount: 2 },
    ]);
    const kept = await readCrmKeys(call, place, [keyOf(10), keyOf(11), keyOf(12)], signal);

    expect(kept.get(keyOf(10))).toEqual({ count: 1, amount: 12.5 });
    expect(kept.get(keyOf(11))?.count).toBe(2);
    expect(kept.has(keyOf(12))).toBe(false);
  });

  it("is asked for a hundred keys at a time, in the object of the flow's mapping", async () => {
    const { asked, call } = createWorkflow([]);
    await readCrmKeys(
      call,
      place,
      Array.from({ length: 101 }, (_, index) => keyOf(index)),
      signal,
    );

    expect(asked).toMatchObject([
      { step: "read", ...place, effectKeys: { length: 100 } },
      { step: "read", effectKeys: [keyOf(100)] },
    ]);
  });

  const silent: readonly (readonly [string, WorkflowAnswer])[] = [
    ["gives no answer", { kind: "noAnswer", code: "TIMEOUT", sent: true }],
    ["is refused", { kind: "refused", status: 403, reason: "answered 403", afterMs: undefined }],
    [
      "could not read",
      { kind: "answered", status: 503, body: { status: "retry", code: "CRM_NOT_READ" } },
    ],
  ];
  it.each(silent)(
    "stays unknown when the workflow %s: nothing is taken for missing",
    async (_how, answer) => {
      const reading = readCrmKeys(() => Promise.resolve(answer), place, [keyOf(1)], signal);

      await expect(reading).rejects.toMatchObject({ code: "CRM_NOT_READ", fate: "transient" });
    },
  );

  it("has its place in the mapping's constants, or none", () => {
    const fields = [
      { to: "object", value: "Invoice__c" },
      { to: "externalIdField", value: "Causeway_Key__c" },
    ];
    const mapping = (list: typeof fields): Mapping => ({ fields: list }) as unknown as Mapping;

    expect(toCrmPlace(mapping(fields))).toEqual(place);
    expect(toCrmPlace(mapping(fields.slice(1)))).toBeUndefined();
  });
});
