import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { fromSafeKey, toSafeKey } from "../../../../functions/src/platform/safe-key.ts";

describe("safeKey", () => {
  it.each([
    ["CIV-000123", "CIV-000123"],
    ["INV/2024#1?+%&", "INV~002f2024~00231~003f~002b~0025~0026"],
    ["a\\b\u0001c|d~e'f", "a~005cb~0001c~007cd~007ee~0027f"],
    ["Rechnung Ä 日本", "Rechnung Ä 日本"],
  ])("writes %j as %j", (text, key) => {
    expect(toSafeKey(text)).toBe(key);
    expect(fromSafeKey(key)).toBe(text);
  });

  it("gives back any text, and nothing that Azure Tables refuses", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const key = toSafeKey(text);
        expect(key).not.toMatch(/[/\\#?\u0000-\u001f\u007f-\u009f%+&|]/);
        expect(fromSafeKey(key)).toBe(text);
      }),
    );
  });

  it("keeps a long text's beginning and tells long texts apart by their ends", () => {
    const [one, two] = [toSafeKey(`${"x".repeat(900)}1`), toSafeKey(`${"x".repeat(900)}2`)];
    expect(one).toHaveLength(400);
    expect(one.startsWith("x".repeat(300))).toBe(true);
    expect(one).not.toBe(two);
    expect(() => fromSafeKey(one)).toThrow("shortened");
  });
});
