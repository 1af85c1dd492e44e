import { describe, expect, it } from "@jest/globals";
import { createSchemaSet } from "../../../../functions/src/flows/schema-set.ts";
import { validateMapping } from "../../../../functions/src/flows/validate-mapping.ts";
import type { MappingField } from "../../../../schemas/types/mapping.ts";

const schemas = createSchemaSet();

function problemsOf(
  fields: readonly unknown[],
  target: { readonly kind: string; readonly name: string } = { kind: "dataverse", name: "invoice" },
  source = "canonical/invoice-posted.v1",
): readonly string[] {
  return validateMapping("f/x.mapping.json", { source, target, fields }, schemas).map(
    ({ file, field, message }) => `${file} ${field}: ${message}`,
  );
}

describe("validateMapping", () => {
  it("names file, field and nearest path and column, all at once", () => {
    expect(
      problemsOf([
        { to: "nmae", from: "number" },
        { to: "description", from: "customer.acount" },
        { to: "name", expr: "customer.nam & totl" },
      ] satisfies MappingField[]),
    ).toEqual([
      'f/x.mapping.json fields[0] (nmae).to: invoice has no column "nmae"; did you mean "name"?',
      'f/x.mapping.json fields[1] (description).from: the source has no path "customer.acount"; did you mean "account"?',
      'f/x.mapping.json fields[2] (name).expr: the source has no name "nam"; did you mean "name"?',
      'f/x.mapping.json fields[2] (name).expr: the source has no name "totl"; did you mean "total"?',
    ]);
  });

  it("checks lists against their item and their table", () => {
    const each = (fields: readonly MappingField[], table?: string): MappingField => ({
      to: "lines",
      each: { from: "lines", fields, ...(table === undefined ? {} : { table }) },
    });
    expect(problemsOf([each([{ to: "quantity", from: "quantiy" }], "invoicedetail")])).toEqual([
      'f/x.mapping.json fields[0] (lines).each.fields[0] (quantity).from: the source has no path "quantiy"; did you mean "quantity"?',
    ]);
    expect(problemsOf([each([{ to: "quantity", from: "quantity" }], "invoicedetial")])).toEqual([
      'f/x.mapping.json fields[0] (lines).each.table: there is no table "invoicedetial"; did you mean "invoicedetail"?',
    ]);
    expect(
      problemsOf([{ to: "x", each: { from: "customer", table: "invoicedetail", fields: [] } }]),
    ).toEqual(["f/x.mapping.json fields.0.each.fields: must NOT have fewer than 1 items"]);
  });

  it("checks the names of a workflow's request", () => {
    const workflow = { kind: "workflow", name: "invoice-to-crm.v1" };
    expect(problemsOf([{ to: "record.Totl__c", from: "total" }], workflow)).toEqual([
      'f/x.mapping.json fields[0] (record.Totl__c).to: the request has no column "Totl__c"; did you mean "Total__c"?',
    ]);
    expect(
      problemsOf([{ to: "object", value: "x" }], { ...workflow, name: "invoice-to-crn.v1" }),
    ).toEqual([
      'f/x.mapping.json target.name: there is no request schema "invoice-to-crn.v1"; did you mean "invoice-to-crm.v1"?',
    ]);
  });

  it("checks tables, key columns and paths of look-ups", () => {
    const lookup = {
      tables: [
        { table: "account", key: { accountnumbr: "customer.account", name: "custmer.name" } },
      ],
      onMissing: "wait",
    } as const;
    expect(problemsOf([{ to: "customerid", lookup }])).toEqual([
      'f/x.mapping.json fields[0] (customerid).lookup.tables[0].key: account has no column "accountnumbr"; did you mean "accountnumber"?',
      'f/x.mapping.json fields[0] (customerid).lookup.tables[0].key.name: the source has no path "custmer.name"; did you mean "customer"?',
    ]);
  });

  it("wants one source per field, each column once, and expressions that JSONata reads", () => {
    expect(problemsOf([{ to: "name", from: "number", value: 1 }])).toEqual([
      "f/x.mapping.json fields.0: a field needs `to` and exactly one of from, expr, value, each, lookup",
    ]);
    expect(
      problemsOf([
        { to: "name", from: "number" },
        { to: "name", expr: "total +" },
      ]),
    ).toEqual([
      'f/x.mapping.json fields[1] (name).to: "name" is mapped twice',
      "f/x.mapping.json fields[1] (name).expr: JSONata cannot read it: Unexpected end of expression",
    ]);
  });

  it("follows names in filters and through lists, and keeps quiet where it cannot know", () => {
    const expr = (text: string): readonly string[] => problemsOf([{ to: "name", expr: text }]);
    expect(expr("lines[amnt > 0].description")).toHaveLength(1);
    expect(expr("$sum(lines.taxx)")).toHaveLength(1);
    expect(expr("$map(lines, function($l) { $l.whatever })")).toEqual([]);
    expect(expr("$invoice.customer.nme")).toHaveLength(1);
    expect(expr("lines^(>amount)[0].description")).toEqual([]);
  });
});
