import { describe, expect, it } from "@jest/globals";
import { toDay } from "../../../../functions/src/dynamics/finance-rows.ts";
import { toFinanceDay, toFinanceTime } from "../../../../functions/src/intake/finance-date.ts";

// The suite runs in the machine's zone, in Los Angeles and in Auckland: no literal here may change.
describe("dates of F&O", () => {
  it("are calendar days in UTC, whatever the zone of the machine", () => {
    expect(toFinanceDay("/Date(1637193600000)/")).toBe("2021-11-18");
    expect(toFinanceDay("/Date(1637279999999)/")).toBe("2021-11-18");
    expect(toFinanceDay("2024-06-14T00:00:00")).toBe("2024-06-14");
    expect(toFinanceDay("2024-06-14")).toBe("2024-06-14");
    expect(toDay("2024-06-14T12:00:00Z")).toBe("2024-06-14");
    expect(toDay("2024-12-31T23:59:59Z")).toBe("2024-12-31");
  });

  it("ignore Dataverse's offset: the instant is the same", () => {
    expect(toFinanceTime("/Date(1506409448000-0700)/")).toBe("2017-09-26T07:04:08.000Z");
    expect(toFinanceTime("/Date(1506409448000)/")).toBe("2017-09-26T07:04:08.000Z");
  });

  it("are null where F&O writes 1900-01-01 or nothing", () => {
    expect(toFinanceDay("/Date(-2208988800000)/")).toBeNull();
    expect(toDay("1900-01-01T12:00:00Z")).toBeNull();
    expect(toDay("1900-01-01T00:00:00Z")).toBeNull();
    expect([toDay(""), toDay(null), toDay(undefined)]).toEqual([null, null, null]);
  });

  it("are null when they are none", () => {
    const texts = ["", "x", "/Date()/", "/Date(1e3)/", "/Date(8640000000000001)/"];
    expect(texts.map(toFinanceTime)).toEqual([null, null, null, null, null]);
    expect(toFinanceTime("+012024-06-14T00:00:00.000Z")).toBeNull();
  });

  it("keep three of seven digits of a second", () => {
    expect(toFinanceTime("2022-12-30T13:51:15.2942742Z")).toBe("2022-12-30T13:51:15.294Z");
  });
});
