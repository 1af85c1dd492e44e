import { describe, expect, it } from "@jest/globals";
import { createContextKey, ROOT_CONTEXT } from "@opentelemetry/api";
import { createCallContext } from "../../../../functions/src/platform/call-context.ts";

const key = createContextKey("test");
const outer = ROOT_CONTEXT.setValue(key, "outer");
const inner = ROOT_CONTEXT.setValue(key, "inner");

describe("the context of a call", () => {
  it("is the root outside of any", () => {
    expect(createCallContext().active()).toBe(ROOT_CONTEXT);
  });

  it("is the innermost one, and the one before after its end", () => {
    const manager = createCallContext();
    const seen = manager.with(outer, () => [
      manager.active().getValue(key),
      manager.with(inner, () => manager.active().getValue(key)),
      manager.active().getValue(key),
    ]);

    expect(seen).toEqual(["outer", "inner", "outer"]);
    expect(manager.active()).toBe(ROOT_CONTEXT);
  });

  it("ends with a call that throws", () => {
    const manager = createCallContext();
    const call = (): never =>
      manager.with(outer, () => {
        throw new Error("no");
      });

    expect(call).toThrow("no");
    expect(manager.active()).toBe(ROOT_CONTEXT);
  });

  it("hands on what the call gets and gives", () => {
    const give = function (this: unknown, add: number): unknown {
      return [this, add];
    };

    expect(createCallContext().with(outer, give, "self", 2)).toEqual(["self", 2]);
  });
});
