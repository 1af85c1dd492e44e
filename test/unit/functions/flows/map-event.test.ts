import { describe, expect, it } from "@jest/globals";
import { compileMapping } from "../../../../functions/src/flows/compile-mapping.ts";
import {
  collectLookups,
  mapEvent,
  type LookupRequest,
  type LookupResolver,
} from "../../../../functions/src/flows/map-event.ts";
import type { MappingField } from "../../../../schemas/types/mapping.ts";
import { canonicalEvent, canonicalInvoice } from "../../../support/canonical-invoice.ts";

function mappingOf(fields: readonly MappingField[]) {
  const target = { kind: "dataverse", name: "invoice" } as const;
  return compileMapping({ source: "canonical/invoice-posted.v1", target, fields });
}

const nobody: LookupResolver = (requests) => Promise.resolve(requests.map(() => null));
const customer = (onMissing: "wait" | "leaveEmpty" | "reject"): MappingField => ({
  to: "customerid",
  lookup: {
    tables: [
      {
        table: "account",
        key: { accountnumber: "customer.account", msdyn_company: "$company" },
        bind: "customerid_account",
      },
      { table: "contact", key: { employeeid: "customer.account" }, bind: "customerid_contact" },
    ],
    cacheSeconds: 60,
    onMissing,
  },
});

describe("mapEvent", () => {
  it("fills paths, expressions, constants and lists", async () => {
    const mapping = mappingOf([
      { to: "name", from: "number" },
      { to: "record.Customer__c", from: "customer.account" },
      { to: "record.Total__c", expr: "$number(total)" },
      { to: "where", expr: "$company & ':' & $invoice.currency" },
      { to: "ispricelocked", value: false },
      { to: "shipto_fax", value: null },
      {
        to: "lines",
        each: {
          from: "lines",
          fields: [
            { to: "quantity", expr: "$number(quantity)" },
            { to: "productdescription", from: "description" },
            { to: "currency", from: "$invoice.currency" },
          ],
        },
      },
    ]);
    expect(await mapEvent(mapping, canonicalEvent(), nobody)).toEqual({
      record: {
        name: "CIV-000123",
        record: { Customer__c: "US-001", Total__c: 1250.5 },
        where: "usmf:USD",
        ispricelocked: false,
        shipto_fax: null,
        lines: [
          { quantity: 2, productdescription: "Mid-range speaker", currency: "USD" },
          { quantity: 1.5, productdescription: "Installation", currency: "USD" },
        ],
      },
      missing: [],
    });
  });

  it("keeps null, and leaves out what an expression does not give", async () => {
    const mapping = mappingOf([
      { to: "duedate", from: "dueDate" },
      { to: "description", expr: "lines[number = 99].description" },
    ]);
    const event = canonicalEvent(canonicalInvoice({ dueDate: null }));
    expect((await mapEvent(mapping, event, nobody)).record).toEqual({ duedate: null });
  });

  it("points at the row of the table that had it, bound by that table's property", async () => {
    const asked: (readonly LookupRequest[])[] = [];
    const resolver: LookupResolver = (requests) => {
      asked.push(requests);
      return Promise.resolve([{ table: "contact", id: "c-1" }]);
    };
    const { record } = await mapEvent(mappingOf([customer("wait")]), canonicalEvent(), resolver);
    expect(record).toEqual({
      customerid: { kind: "reference", table: "contact", id: "c-1", bind: "customerid_contact" },
    });
    expect(asked).toHaveLength(1);
  });

  it("names what it waits for, rejects or leaves empty", async () => {
    const waiting = await mapEvent(mappingOf([customer("wait")]), canonicalEvent(), nobody);
    expect(waiting).toEqual({ record: {}, missing: ["account/usmf/US-001"] });
    const rejected = await mapEvent(mappingOf([customer("reject")]), canonicalEvent(), nobody);
    expect(rejected.rejected).toEqual({
      code: "LOOKUP_MISSING",
      reason: "customerid points at account/usmf/US-001, which is not there",
    });
    const empty = await mapEvent(mappingOf([customer("leaveEmpty")]), canonicalEvent(), nobody);
    expect(empty).toEqual({ record: {}, missing: [] });
  });

  it("never reaches what every object inherits", async () => {
    const mapping = mappingOf([{ to: "name", from: "constructor.name" }]);
    expect((await mapEvent(mapping, canonicalEvent(), nobody)).record).toEqual({});
  });
});

describe("collectLookups", () => {
  const product: MappingField = {
    to: "productid",
    lookup: {
      tables: [{ table: "product", key: { productnumber: "product" } }],
      onMissing: "leaveEmpty",
    },
  };
  const mapping = mappingOf([
    customer("wait"),
    { to: "lines", each: { from: "lines", table: "invoicedetail", fields: [product] } },
  ]);

  it("asks once for each row, and not for a line without product", () => {
    const [line] = canonicalInvoice().lines;
    const lines = line === undefined ? [] : [line, line, { ...line, product: null }];
    const requests = collectLookups(mapping, canonicalEvent(canonicalInvoice({ lines })));
    expect(requests.map(({ label }) => label)).toEqual([
      "account/usmf/US-001",
      "product/usmf/D0001",
    ]);
    expect(requests[0]?.tables[0]?.key).toEqual({ accountnumber: "US-001", msdyn_company: "usmf" });
  });

  it("tells accounts with slashes apart by id", () => {
    const ids = ["A/B", "A"].map((account) => {
      const customer = { account, orderAccount: account, name: "x", email: null };
      return collectLookups(mapping, canonicalEvent(canonicalInvoice({ customer })))[0]?.id;
    });
    expect(new Set(ids).size).toBe(2);
  });
});
