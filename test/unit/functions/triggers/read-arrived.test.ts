import type { InvocationContext } from "@azure/functions";
import { describe, expect, it } from "@jest/globals";
import { readArrived } from "../../../../functions/src/triggers/read-arrived.ts";

type Context = Pick<InvocationContext, "triggerMetadata">;
const context = (triggerMetadata: NonNullable<Context["triggerMetadata"]>): Context => ({
  triggerMetadata,
});

describe("the messages of an invocation", () => {
  it("have their delivery counts when the host's array lines up", () => {
    const arrived = readArrived(["a", "b"], context({ deliveryCountArray: [1, 4] }));
    expect(arrived).toEqual([
      { body: "a", deliveryCount: 1 },
      { body: "b", deliveryCount: 4 },
    ]);
  });

  it("have none when the host dropped an empty body", () => {
    const arrived = readArrived(["b"], context({ deliveryCountArray: [1, 4] }));
    expect(arrived).toEqual([{ body: "b", deliveryCount: null }]);
  });

  it("may be one, whose body overrides the host's words: only a whole number is believed", () => {
    const body = { deliveryCount: "many" };
    expect(readArrived(body, context({ deliveryCount: "many" }))).toEqual([
      { body, deliveryCount: null },
    ]);
    expect(readArrived(body, context({ deliveryCount: 3 }))).toEqual([{ body, deliveryCount: 3 }]);
  });
});
