import { describe, expect, it } from "@jest/globals";
import {
  addAmounts,
  toAccountingAmount,
  toAmount,
  toPrice,
  toQuantity,
} from "../../../../functions/src/intake/currency-amount.ts";

describe("amounts", () => {
  it("have the currency's decimals", () => {
    expect(toAmount(1250.5, "USD")).toBe("1250.50");
    expect(toAmount(1250.5, "JPY")).toBe("1251");
    expect(toAmount(1250.5, "KWD")).toBe("1250.500");
    expect(toAmount(1250.5, "EUR")).toBe("1250.50");
    expect(toAmount(1250.50005, "CLF")).toBe("1250.5001");
  });

  it("are rounded half away from zero, in decimal and not in binary", () => {
    expect(toAmount(1.005, "USD")).toBe("1.01");
    expect(toAmount(-1.005, "USD")).toBe("-1.01");
    expect(toAmount(2.675, "EUR")).toBe("2.68");
    expect(addAmounts(0.1, 0.2)).toBe("0.3");
  });

  it("never read as exponent or negative zero, and nothing is zero", () => {
    expect(toAmount(1e21, "USD")).toBe("1000000000000000000000.00");
    expect(toAmount(1e-9, "USD")).toBe("0.00");
    expect(toAmount(-0.001, "USD")).toBe("0.00");
    expect(toAmount(-0, "JPY")).toBe("0");
    expect([toAmount(null, "USD"), toAmount(undefined, "JPY"), toAmount("", "KWD")]).toEqual([
      "0.00",
      "0",
      "0.000",
    ]);
  });

  it("come as text from services that keep decimals exact", () => {
    expect(toAmount("90071992547409931.25", "USD")).toBe("90071992547409931.25");
  });

  it("leave prices and quantities as precise as they are", () => {
    expect(toPrice(0.0125, "USD")).toBe("0.0125");
    expect(toPrice(500, "USD")).toBe("500.00");
    expect(toPrice(60_000, "JPY")).toBe("60000");
    expect([toQuantity(2), toQuantity(2.5), toQuantity(-1e-7)]).toEqual(["2", "2.5", "-0.0000001"]);
  });

  it("in a currency that nobody names stay as F&O rounded them", () => {
    expect(toAccountingAmount(157_000)).toBe("157000");
    expect(toAccountingAmount(1250.5)).toBe("1250.50");
    expect(toAccountingAmount(12.345)).toBe("12.345");
  });
});
