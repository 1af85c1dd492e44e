import { crmObjects } from "./crm-objects.ts";
import type { RecordStore } from "./record-store.ts";
import { salesforceError, type SalesforceError } from "./salesforce-error.ts";

/** The one form of SOQL that is asked here: columns of one object by a list of external ids. */
const listQuery = /^SELECT ([\w, ]+) FROM (\w+) WHERE (\w+) IN \(((?:'[^'\\]*'(?:, ?)?)+)\)$/i;
/** https://developer.salesforce.com/docs (SOQL: 2,000 records a page, 100,000 characters a query). */
const maxRecords = 2_000;

interface QueryAnswer {
  readonly totalSize: number;
  readonly done: boolean;
  readonly records: readonly Readonly<Record<string, unknown>>[];
}

/** Answers `/query?q=` as Salesforce does, or says what is wrong with the query. */
export function answerQuery(
  store: RecordStore,
  query: string,
  urlOf: (object: string, id: string) => string,
): QueryAnswer | SalesforceError {
  const [, columns = "", object = "", field = "", list = ""] = listQuery.exec(query) ?? [];
  if (object === "") return salesforceError("MALFORMED_QUERY", `unexpected token: ${query}`);
  const schema = crmObjects[object];
  if (schema === undefined) {
    return salesforceError("INVALID_TYPE", `sObject type '${object}' is not supported.`);
  }
  const selected = columns.split(",").map((column) => column.trim());
  const known = ["Id", schema.externalId, ...Object.keys(schema.fields)];
  const unknown = [...selected, field].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    return salesforceError("INVALID_FIELD", `No such column '${unknown}' on entity '${object}'.`);
  }
  const values = [...list.matchAll(/'([^']*)'/g)].map(([, value = ""]) => value);
  const found = values.flatMap((value) => store.find(object, field, value));
  const records = found.slice(0, maxRecords).map((record) => ({
    attributes: { type: object, url: urlOf(object, record.Id) },
    ...Object.fromEntries(selected.map((name) => [name, toColumn(schema.fields, name, record)])),
  }));
  return { totalSize: found.length, done: found.length <= maxRecords, records };
}

/** Numbers come back as numbers, however they were written; what was never written is null. */
function toColumn(
  fields: Readonly<Record<string, { readonly type: string }>>,
  name: string,
  record: Readonly<Record<string, unknown>>,
): unknown {
  const value = record[name] ?? null;
  return value !== null && fields[name]?.type === "double" ? Number(value) : value;
}
