import type { AnySchemaObject } from "ajv";
import type { Mapping, MappingField, MappingLookup } from "../../../schemas/types/mapping.ts";
import { checkExpression } from "./check-expression.ts";
import { suggestName } from "./nearest-name.ts";
import { memberNames, stepInto, type SchemaPlace } from "./schema-place.ts";
import type { SchemaName, SchemaSet } from "./schema-set.ts";

/** One thing that is wrong in a flow's files. */
export interface FlowProblem {
  readonly file: string;
  /** Where in the file: `fields[3] (Total__c).from`. */
  readonly field: string;
  readonly message: string;
}

/** Where `to` names are checked: a Dataverse table's columns, or a place in a request schema. */
type Columns =
  | { readonly kind: "table"; readonly table: string }
  | { readonly kind: "schema"; readonly place: SchemaPlace };

interface Check {
  readonly file: string;
  readonly schemas: SchemaSet;
  readonly invoice: SchemaPlace;
  readonly problems: FlowProblem[];
}

/** All problems of a mapping file; none when every path, column and expression is right. */
export function validateMapping(
  file: string,
  value: unknown,
  schemas: SchemaSet,
): readonly FlowProblem[] {
  const shape = schemas.problems("mapping/mapping.v1", value).map(({ path, ...problem }) => ({
    file,
    field: path,
    message: `${shapeMessage(problem)}${problem.wrong === undefined ? "" : suggestName(problem.wrong, problem.known ?? [])}`,
  }));
  if (shape.length > 0) return shape;
  // The schema was just found to hold.
  const mapping = value as Mapping;
  const problems: FlowProblem[] = [];
  const source = schemaNamed(mapping.source, "canonical/", schemas);
  if (source === undefined) {
    const known = schemas.names.filter((name) => name.startsWith("canonical/"));
    const message = `there is no schema "${mapping.source}"${suggestName(mapping.source, known)}`;
    return [{ file, field: "source", message }];
  }
  const columns = targetColumns(file, mapping, schemas, problems);
  if (columns === undefined) return problems;
  const invoice: SchemaPlace = { root: source, schema: source };
  const check: Check = { file, schemas, invoice, problems };
  checkFields(mapping.fields, "fields", invoice, columns, check);
  return problems;
}

function shapeMessage(problem: { readonly keyword: string; readonly message: string }): string {
  return /^(min|max)Properties$/.test(problem.keyword)
    ? "a field needs `to` and exactly one of from, expr, value, each, lookup"
    : problem.message;
}

function schemaNamed(
  name: string,
  prefix: string,
  schemas: SchemaSet,
): AnySchemaObject | undefined {
  const found = schemas.names.find((known) => known === name && known.startsWith(prefix));
  return found === undefined ? undefined : schemas.schemas[found];
}

function targetColumns(
  file: string,
  mapping: Mapping,
  schemas: SchemaSet,
  problems: FlowProblem[],
): Columns | undefined {
  const { kind, name } = mapping.target;
  if (kind === "dataverse") {
    if (schemas.dataverseTables[name] !== undefined) return { kind: "table", table: name };
    const known = Object.keys(schemas.dataverseTables);
    const message = `there is no table "${name}"${suggestName(name, known)}`;
    problems.push({ file, field: "target.name", message });
    return undefined;
  }
  const prefix = "targets/workflow/";
  const schema = schemaNamed(`${prefix}${name}`, prefix, schemas);
  if (schema !== undefined) return { kind: "schema", place: { root: schema, schema } };
  const known = schemas.names
    .filter((one: SchemaName) => one.startsWith(prefix))
    .map((one) => one.slice(prefix.length));
  const message = `there is no request schema "${name}"${suggestName(name, known)}`;
  problems.push({ file, field: "target.name", message });
  return undefined;
}

function checkFields(
  fields: readonly MappingField[],
  at: string,
  item: SchemaPlace,
  columns: Columns,
  check: Check,
): void {
  const seen = new Set<string>();
  fields.forEach((field, index) => {
    const place = `${at}[${index}] (${field.to})`;
    const report = (member: string, message: string): void => {
      check.problems.push({ file: check.file, field: `${place}.${member}`, message });
    };
    if (seen.has(field.to)) report("to", `"${field.to}" is mapped twice`);
    seen.add(field.to);
    const column = checkColumn(field, columns, check, (message) => report("to", message));
    if (field.from !== undefined) {
      checkPath(field.from, item, check, (message) => report("from", message));
    }
    if (field.expr !== undefined) {
      for (const message of checkExpression(field.expr, item, check.invoice)) {
        report("expr", message);
      }
    }
    if (field.lookup !== undefined) checkLookup(field.lookup, item, columns, check, report);
    if (field.each !== undefined)
      checkEach(field.each, place, item, columns, column, check, report);
  });
}

type Report = (member: string, message: string) => void;

function checkEach(
  each: NonNullable<MappingField["each"]>,
  place: string,
  item: SchemaPlace,
  columns: Columns,
  column: SchemaPlace | undefined,
  check: Check,
  report: Report,
): void {
  const list = checkPath(each.from, item, check, (message) => report("each.from", message));
  if (list === undefined) return;
  const items = stepInto(list, "[]");
  if (items === undefined) {
    report("each.from", `"${each.from}" is not a list`);
    return;
  }
  const inner = innerColumns(each, columns, column, check, report);
  if (inner !== undefined) checkFields(each.fields, `${place}.each.fields`, items, inner, check);
}

function innerColumns(
  each: NonNullable<MappingField["each"]>,
  columns: Columns,
  column: SchemaPlace | undefined,
  check: Check,
  report: Report,
): Columns | undefined {
  if (columns.kind === "schema") {
    const place = column === undefined ? undefined : stepInto(column, "[]");
    if (column !== undefined && place === undefined) report("to", "is not a list in the request");
    return place === undefined ? undefined : { kind: "schema", place };
  }
  const known = Object.keys(check.schemas.dataverseTables);
  if (each.table === undefined) {
    report("each.table", "is missing: whose columns are these?");
    return undefined;
  }
  if (!known.includes(each.table)) {
    report("each.table", `there is no table "${each.table}"${suggestName(each.table, known)}`);
    return undefined;
  }
  return { kind: "table", table: each.table };
}

/** Undefined when there is nothing below the column (or when it is not known, which is reported). */
function checkColumn(
  field: MappingField,
  columns: Columns,
  check: Check,
  report: (message: string) => void,
): SchemaPlace | undefined {
  if (columns.kind === "table") {
    // The name of a list of rows is the target's own business, not a column.
    if (field.each !== undefined) return undefined;
    const known = check.schemas.dataverseTables[columns.table] ?? [];
    if (!known.includes(field.to)) {
      report(`${columns.table} has no column "${field.to}"${suggestName(field.to, known)}`);
    }
    return undefined;
  }
  let place: SchemaPlace | undefined = columns.place;
  for (const name of field.to.split(".")) {
    const known: string[] = memberNames(place);
    const next: SchemaPlace | undefined = stepInto(place, name);
    if (next === undefined) {
      report(`the request has no column "${name}"${suggestName(name, known)}`);
      return undefined;
    }
    place = next;
  }
  return place;
}

function checkPath(
  path: string,
  item: SchemaPlace,
  check: Check,
  report: (message: string) => void,
): SchemaPlace | undefined {
  if (path === "$company") return { root: {}, schema: { type: "string" } };
  const fromInvoice = path.startsWith("$invoice.");
  let place = fromInvoice ? check.invoice : item;
  for (const name of (fromInvoice ? path.slice("$invoice.".length) : path).split(".")) {
    const next = name === "[]" ? undefined : stepInto(place, name);
    if (next === undefined) {
      const known = memberNames(place);
      report(`the source has no path "${path}"${suggestName(name, known)}`);
      return undefined;
    }
    place = next;
  }
  return place;
}

function checkLookup(
  lookup: MappingLookup,
  item: SchemaPlace,
  columns: Columns,
  check: Check,
  report: Report,
): void {
  if (columns.kind === "schema") report("lookup", "only Dataverse targets can look rows up");
  const tables = check.schemas.dataverseTables;
  lookup.tables.forEach(({ table, key }, index) => {
    const at = `lookup.tables[${index}]`;
    const known = tables[table];
    if (known === undefined) {
      const message = `there is no table "${table}"${suggestName(table, Object.keys(tables))}`;
      report(`${at}.table`, message);
      return;
    }
    for (const [column, path] of Object.entries(key)) {
      if (!known.includes(column)) {
        const message = `${table} has no column "${column}"${suggestName(column, known)}`;
        report(`${at}.key`, message);
      }
      checkPath(path, item, check, (message) => report(`${at}.key.${column}`, message));
    }
  });
}
