import { describe, expect, it } from "@jest/globals";
import { applyODataQuery } from "../../../../local/odata/apply-query.ts";
import { parseEntityAddress } from "../../../../local/odata/parse-address.ts";
import { parseODataQuery } from "../../../../local/odata/parse-query.ts";
import type { QueryOptions } from "../../../../local/odata/parse-query.ts";

const rows = [
  { id: 1, name: "Contoso Retail", posted: "Yes", day: "2024-06-14T12:00:00Z", flag: true },
  { id: 2, name: "O'Neil & Co", posted: "No", day: "2024-06-15T12:00:00Z", flag: false },
  { id: 3, name: "contoso east", posted: "Yes", day: "1900-01-01T12:00:00Z", flag: null },
];

const idsOf = (filter: string, options: QueryOptions = {}): unknown[] => {
  const query = parseODataQuery(new URLSearchParams({ $filter: filter }), options);
  return applyODataQuery(rows, query, { hasWildcards: true }).rows.map(({ id }) => id);
};

describe("$filter", () => {
  it.each([
    ["id eq 2", [2]],
    ["name eq 'o''neil & co'", [2]],
    ["name eq '*contoso*'", [1, 3]],
    ["name ne '*contoso*'", [2]],
    ["id eq 1 or id eq 2 and flag eq true", [1]],
    ["(id eq 1 or id eq 2) and not (flag eq true)", [2]],
    ["posted eq Microsoft.Dynamics.DataEntities.NoYes'Yes' and id gt 1", [3]],
    ["day ge 2024-06-14T00:00:00Z and day lt 2024-06-15T00:00:00Z", [1]],
    ["day eq 2024-06-14T14:00:00+02:00", [1]],
    ["flag eq null", [3]],
    ["contains(name,'RETAIL') or endswith(name,'east') eq true", [1, 3]],
    ["not startswith(name,'c')", [2]],
  ])("%s", (filter, ids) => {
    expect(idsOf(filter)).toEqual(ids);
  });

  it("takes `in` only where the system does", () => {
    expect(idsOf("id in (1,3)", { allowIn: true })).toEqual([1, 3]);
    expect(() => idsOf("id in (1,3)")).toThrow("The operator 'in' is not supported.");
  });

  it.each([
    ["id eq", "Syntax error at position 5 in 'id eq'."],
    ["(id eq 1", "Syntax error at position 8 in '(id eq 1'."],
    ["name eq 'x", "Syntax error at position 8 in 'name eq 'x'."],
    ["id has 1", "The operator 'has' is not supported."],
    ["length(name,'x')", "The function 'length' is not supported."],
    ["id eq true", "A binary operator with incompatible types was detected"],
  ])("refuses %s", (filter, message) => {
    expect(() => idsOf(filter)).toThrow(message);
  });
});

describe("the other query options", () => {
  it("order, skip, take, count and select", () => {
    const query = parseODataQuery(
      new URLSearchParams("$orderby=posted desc,id desc&$skip=1&$top=1&$count=true&$select=id"),
    );
    expect(applyODataQuery(rows, query)).toEqual({ rows: [{ id: 1 }], count: 3 });
  });

  it("expand one level", () => {
    const { expand } = parseODataQuery(new URLSearchParams("$expand=Lines($select=a,b),Header"));
    expect(expand).toEqual([{ navigation: "Lines", select: ["a", "b"] }, { navigation: "Header" }]);
  });

  it.each(["$top=-1", "$search=x", "$top=1&$top=2", "$orderby=a up", "$count=yes"])(
    "%s is refused",
    (text) => {
      expect(() => parseODataQuery(new URLSearchParams(text))).toThrow();
    },
  );

  it("names a column that does not exist", () => {
    const query = parseODataQuery(new URLSearchParams("$select=nam"));
    const isColumn = (name: string): boolean => name === "name";
    expect(() => applyODataQuery(rows, query, { isColumn })).toThrow(
      "Could not find a property named 'nam'.",
    );
  });
});

describe("an entity address", () => {
  it("has named keys with any text in them", () => {
    expect(
      parseEntityAddress("Invoices(dataAreaId='usmf',Number='A/(1)''#',Line=2)/Lines"),
    ).toEqual({
      set: "Invoices",
      keys: {
        dataAreaId: { type: "string", value: "usmf" },
        Number: { type: "string", value: "A/(1)'#" },
        Line: { type: "number", value: 2 },
      },
      rest: "Lines",
    });
  });

  it("has a single nameless key", () => {
    expect(parseEntityAddress("accounts(0A000000-0000-0000-0000-000000000001)").keys).toEqual({
      "": { type: "guid", value: "0a000000-0000-0000-0000-000000000001" },
    });
  });

  it.each(["", "a(", "a(b='c'", "a(b=)", "a(b='c' d='e')", "a()"])("%s is refused", (path) => {
    expect(() => parseEntityAddress(path)).toThrow("Error in query syntax");
  });
});
