import { describe, expect, it } from "@jest/globals";
import { createCheckAddress } from "../../../../functions/src/operator/check-address.ts";
import { OperatorError } from "../../../../functions/src/operator/operator-error.ts";

function isLetIn(ranges: readonly string[] | undefined, clientIp: string | null): boolean {
  try {
    createCheckAddress(ranges)(clientIp);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(OperatorError);
    expect(error).toMatchObject({ code: "ADDRESS_NOT_ALLOWED", status: 403 });
    return false;
  }
}

const ranges = ["10.0.0.0/8", "203.0.113.7"];

describe("from where operators are let in", () => {
  it.each<[string, string | null, boolean]>([
    ["the stack's network", "10.40.0.132:50122", true],
    ["an address without a port", "203.0.113.7", true],
    ["the next address", "203.0.113.8:50122", false],
    ["several, which the front end never writes", "10.40.0.132, 198.51.100.4:443", false],
    ["an address that is none", "unknown", false],
    ["IPv6", "[2001:db8::1]:443", false],
    ["nobody knows where", null, false],
  ])("somebody at %s (%s) is let in: %s", (_where, clientIp, expected) => {
    expect(isLetIn(ranges, clientIp)).toBe(expected);
  });

  it("everybody passes where the network decides", () => {
    expect(isLetIn(undefined, null)).toBe(true);
  });

  it("nobody passes where the list is empty", () => {
    expect(isLetIn([], "10.40.0.132:1")).toBe(false);
  });
});
