import { describe, expect, it } from "@jest/globals";
import { toEventPredicate } from "../../../../local/event-grid/event-filter.ts";
import type { GridEvent } from "../../../../local/event-grid/grid-event.ts";

const event: GridEvent = {
  schema: "EventGridSchema",
  body: {
    id: "1",
    topic: "/t",
    subject: "BusinessEvents/CustFreeTextInvoicePosted",
    eventType: "CustFreeTextInvoicePostedBusinessEvent",
    data: { LegalEntity: "USMF", total: 120.5, open: true, tags: ["a", "b"], none: null },
  },
};

const matches = (operatorType: string, key: string, operands: object): boolean =>
  toEventPredicate({ advancedFilters: [{ operatorType, key, ...operands }] })(event);

describe("event filter", () => {
  it.each([
    ["StringIn", "data.LegalEntity", { values: ["demf", "usmf"] }, true],
    ["StringNotIn", "data.LegalEntity", { values: ["USMF"] }, false],
    ["StringBeginsWith", "Subject", { values: ["businessevents/"] }, true],
    ["StringNotBeginsWith", "Subject", { values: ["businessevents/"] }, false],
    ["StringEndsWith", "eventType", { values: ["BusinessEvent"] }, true],
    ["StringContains", "EventType", { values: ["SalesInvoice"] }, false],
    ["NumberGreaterThan", "data.total", { value: 120 }, true],
    ["NumberIn", "data.total", { values: [120.5] }, true],
    [
      "NumberInRange",
      "data.total",
      {
        values: [
          [1, 2],
          [120.5, 130],
        ],
      },
      true,
    ],
    ["NumberNotInRange", "data.total", { values: [[120.5, 130]] }, false],
    ["BoolEquals", "data.open", { value: true }, true],
    ["IsNullOrUndefined", "data.none", {}, true],
    ["IsNotNull", "data.total", {}, true],
    ["StringIn", "data.total", { values: ["120.5"] }, false],
  ])("%s on %s %j is %s", (operator, key, operands, expected) => {
    expect(matches(operator, key, operands)).toBe(expected);
  });

  it.each([
    ["NumberNotIn", { values: [1] }, true],
    ["StringNotIn", { values: ["a"] }, true],
    ["StringNotContains", { values: ["a"] }, false],
    ["StringNotBeginsWith", { values: ["a"] }, false],
    ["StringNotEndsWith", { values: ["a"] }, false],
    ["NumberNotInRange", { values: [[1, 2]] }, false],
    ["NumberLessThan", { value: 1 }, false],
    ["IsNotNull", {}, false],
    ["IsNullOrUndefined", {}, true],
  ])("%s on a missing key is %j → %s", (operator, operands, expected) => {
    expect(matches(operator, "data.absent.deeper", operands)).toBe(expected);
  });

  it("looks into arrays only when told to; a negation fails when any element is listed", () => {
    const advancedFilters = [{ operatorType: "StringIn", key: "data.tags", values: ["B"] }];
    expect(toEventPredicate({ advancedFilters })(event)).toBe(false);
    const enableAdvancedFilteringOnArrays = true;
    expect(toEventPredicate({ advancedFilters, enableAdvancedFilteringOnArrays })(event)).toBe(
      true,
    );
    const negated = [{ operatorType: "StringNotIn", key: "data.tags", values: ["x", "b"] }];
    expect(
      toEventPredicate({ advancedFilters: negated, enableAdvancedFilteringOnArrays })(event),
    ).toBe(false);
  });

  it("joins filters by and, and knows subject and types", () => {
    const includedEventTypes = ["custfreetextinvoicepostedbusinessevent"];
    const subjectEndsWith = "invoiceposted";
    expect(toEventPredicate({ includedEventTypes, subjectEndsWith })(event)).toBe(true);
    expect(
      toEventPredicate({ subjectEndsWith, isSubjectCaseSensitive: true, includedEventTypes })(
        event,
      ),
    ).toBe(false);
    expect(toEventPredicate({ includedEventTypes: ["Other"], subjectEndsWith })(event)).toBe(false);
  });

  it("takes 25 values over all filters and not one more", () => {
    const values = Array.from({ length: 25 }, (_, index) => index);
    const filter = { operatorType: "NumberIn", key: "data.total", values };
    expect(toEventPredicate({ advancedFilters: [filter] })(event)).toBe(false);
    expect(() =>
      toEventPredicate({ advancedFilters: [filter, { ...filter, values: [1] }] }),
    ).toThrow("at most 25 advanced filters with 25 values in all; there are 2 with 26");
  });

  it("refuses an operator that does not exist", () => {
    expect(() => matches("StringMatches", "subject", { values: ["x"] })).toThrow(
      "there is no operator StringMatches",
    );
  });
});
