import jsonata from "jsonata";
import type { CanonicalInvoice } from "../../../schemas/types/canonical-invoice.ts";
import type { Mapping, MappingField, MappingLookup } from "../../../schemas/types/mapping.ts";

/** What paths and expressions see: the invoice, and inside `each` the item. */
export interface Scope {
  readonly invoice: CanonicalInvoice;
  readonly item: unknown;
}

type Read = (scope: Scope) => unknown;

export type CompiledField = { readonly to: readonly string[] } & (
  | { readonly kind: "path"; readonly read: Read }
  | { readonly kind: "value"; readonly value: string | number | boolean | null }
  | { readonly kind: "expr"; readonly evaluate: (scope: Scope) => unknown }
  | {
      readonly kind: "each";
      readonly read: Read;
      readonly table: string | undefined;
      readonly fields: readonly CompiledField[];
    }
  | { readonly kind: "lookup"; readonly lookup: CompiledLookup }
);

export interface CompiledLookup {
  readonly tables: readonly {
    readonly table: string;
    readonly bind: string | undefined;
    readonly key: readonly { readonly column: string; readonly read: Read }[];
  }[];
  readonly cacheSeconds: number;
  readonly onMissing: MappingLookup["onMissing"];
}

export interface CompiledMapping {
  readonly target: Mapping["target"];
  readonly fields: readonly CompiledField[];
}

/** A master record rarely changes its id; a missing one is remembered by `leaveEmpty` only. */
const defaultCacheSeconds = 300;

/**
 * Turns a mapping into functions once, so that an event costs no parsing. Give it mappings that
 * `validateMapping` found right: here a bad expression throws JSONata's own error.
 */
export function compileMapping(mapping: Mapping): CompiledMapping {
  return { target: mapping.target, fields: mapping.fields.map(compileField) };
}

function compileField(field: MappingField): CompiledField {
  const to = field.to.split(".");
  if (field.from !== undefined) return { to, kind: "path", read: compilePath(field.from) };
  if (field.expr !== undefined) return { to, kind: "expr", evaluate: compileExpr(field.expr) };
  if (field.lookup !== undefined) {
    return { to, kind: "lookup", lookup: compileLookup(field.lookup) };
  }
  if (field.each !== undefined) {
    const { from, table, fields } = field.each;
    return { to, kind: "each", read: compilePath(from), table, fields: fields.map(compileField) };
  }
  return { to, kind: "value", value: field.value ?? null };
}

function compileLookup(lookup: MappingLookup): CompiledLookup {
  return {
    tables: lookup.tables.map(({ table, key, bind }) => ({
      table,
      bind,
      key: Object.entries(key).map(([column, path]) => ({ column, read: compilePath(path) })),
    })),
    cacheSeconds: lookup.cacheSeconds ?? defaultCacheSeconds,
    onMissing: lookup.onMissing,
  };
}

/** `customer.account` of the item (the invoice outside `each`), `$invoice.date`, or `$company`. */
function compilePath(path: string): Read {
  if (path === "$company") return (scope) => scope.invoice.legalEntity;
  const fromInvoice = path.startsWith("$invoice.");
  const names = (fromInvoice ? path.slice("$invoice.".length) : path).split(".");
  const [first = "", second] = names;
  if (names.length === 1) {
    return (scope) => member(fromInvoice ? scope.invoice : scope.item, first);
  }
  if (names.length === 2 && second !== undefined) {
    return (scope) => member(member(fromInvoice ? scope.invoice : scope.item, first), second);
  }
  return (scope) => {
    let value: unknown = fromInvoice ? scope.invoice : scope.item;
    for (const name of names) value = member(value, name);
    return value;
  };
}

/** Own members only: a path must not reach `constructor` and the like. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}

/** Half of all expressions; JSONata's own reading of it costs as much as the rest of a mapped line. */
const numberOfPath = /^\$number\(([a-z]\w*(?:\.[a-z]\w*)*)\)$/i;
/** What JSONata's `$number` takes for a number, hexadecimal and the like left out. */
const plainNumber = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

/** A value or a promise of one. */
function compileExpr(text: string): (scope: Scope) => unknown {
  const whole = compileJsonata(text);
  const path = numberOfPath.exec(text)?.[1];
  if (path === undefined) return whole;
  const read = compilePath(path);
  return (scope) => {
    const value = read(scope);
    return typeof value === "string" && plainNumber.test(value) ? Number(value) : whole(scope);
  };
}

function compileJsonata(text: string): (scope: Scope) => Promise<unknown> {
  const expression = jsonata(text);
  return async (scope) => {
    const result: unknown = await expression.evaluate(scope.item, {
      company: scope.invoice.legalEntity,
      invoice: scope.invoice,
    });
    return result;
  };
}
