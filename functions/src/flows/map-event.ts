import type { CanonicalInvoice } from "../../../schemas/types/canonical-invoice.ts";
import type { CompiledField, CompiledLookup, CompiledMapping, Scope } from "./compile-mapping.ts";

/** One row that a mapping needs to point at; `tables` in the order in which they are tried. */
export interface LookupRequest {
  /** Same id, same row: for asking once in a whole batch. */
  readonly id: string;
  /** For people: "account/usmf/US-001". */
  readonly label: string;
  readonly tables: readonly {
    readonly table: string;
    readonly bind?: string;
    readonly key: Readonly<Record<string, string>>;
  }[];
  readonly cacheSeconds: number;
  /** The record is written without it when it is not there. */
  readonly mayBeMissing?: true;
}

export interface LookupAnswer {
  readonly table: string;
  readonly id: string;
  /** Further columns that the resolver read, e.g. the account's owner. */
  readonly columns?: Readonly<Record<string, unknown>>;
}

/** Answers in the order asked; null: the row is in none of its tables. */
export type LookupResolver = (
  requests: readonly LookupRequest[],
) => Promise<readonly (LookupAnswer | null)[]>;

/** A mapped lookup: which row, and by which navigation property it is bound. */
export interface LookupReference {
  readonly kind: "reference";
  readonly table: string;
  readonly id: string;
  readonly bind?: string;
  readonly columns?: Readonly<Record<string, unknown>>;
}

export type MappedValue =
  | string
  | number
  | boolean
  | null
  | LookupReference
  | readonly MappedValue[]
  | { readonly [name: string]: MappedValue };

export interface MappedRecord {
  readonly record: Readonly<Record<string, MappedValue>>;
  /** Rows that are not there yet, e.g. "account/usmf/US-001"; not empty: the delivery waits for them. */
  readonly missing: readonly string[];
  readonly rejected?: { readonly code: "LOOKUP_MISSING"; readonly reason: string };
}

/** The mapping's input: a canonical event, or anything that carries its invoice. */
export interface MappableEvent {
  readonly data?: CanonicalInvoice;
}

/**
 * Every row that the event's record will point at, without asking for any: collect over a whole
 * batch, ask once per table, then map with a resolver that answers from what was read.
 */
export function collectLookups(
  mapping: CompiledMapping,
  event: MappableEvent,
): readonly LookupRequest[] {
  const found = new Map<string, LookupRequest>();
  const visit = (fields: readonly CompiledField[], scope: Scope): void => {
    for (const field of fields) {
      if (field.kind === "lookup") {
        const request = toRequest(field.lookup, scope);
        if (request !== undefined) found.set(request.id, request);
      } else if (field.kind === "each") {
        for (const item of toItems(field.read(scope))) {
          visit(field.fields, { invoice: scope.invoice, item });
        }
      }
    }
  };
  const invoice = invoiceOf(event);
  visit(mapping.fields, { invoice, item: invoice });
  return [...found.values()];
}

/** The event's record for the mapping's target. Asks the resolver once, for all rows. */
export async function mapEvent(
  mapping: CompiledMapping,
  event: MappableEvent,
  lookups: LookupResolver,
): Promise<MappedRecord> {
  const invoice = invoiceOf(event);
  const requests = collectLookups(mapping, event);
  const answers = requests.length === 0 ? [] : await lookups(requests);
  const result: Mapper = {
    answers: new Map(requests.map((request, index) => [request.id, answers[index] ?? null])),
    missing: new Set(),
    reasons: [],
  };
  const record = await mapFields(mapping.fields, { invoice, item: invoice }, result);
  const [reason] = result.reasons;
  return {
    record,
    missing: [...result.missing],
    ...(reason === undefined ? {} : { rejected: { code: "LOOKUP_MISSING" as const, reason } }),
  };
}

interface Mapper {
  readonly answers: ReadonlyMap<string, LookupAnswer | null>;
  readonly missing: Set<string>;
  readonly reasons: string[];
}

type MutableRecord = Record<string, MappedValue>;

async function mapFields(
  fields: readonly CompiledField[],
  scope: Scope,
  mapper: Mapper,
): Promise<MutableRecord> {
  const record: MutableRecord = {};
  for (const field of fields) {
    // Awaiting only what is a promise: most fields are plain paths, and a batch has many thousands.
    const value = field.kind === "path" ? field.read(scope) : mapField(field, scope, mapper);
    const settled = value instanceof Promise ? ((await value) as unknown) : value;
    if (settled !== undefined) put(record, field.to, settled as MappedValue);
  }
  return record;
}

function mapField(
  field: Exclude<CompiledField, { kind: "path" }>,
  scope: Scope,
  mapper: Mapper,
): unknown {
  switch (field.kind) {
    case "value":
      return field.value;
    case "expr":
      return field.evaluate(scope);
    case "lookup":
      return mapLookup(field.to.join("."), field.lookup, scope, mapper);
    case "each":
      return mapItems(field, scope, mapper);
  }
}

async function mapItems(
  field: Extract<CompiledField, { kind: "each" }>,
  scope: Scope,
  mapper: Mapper,
): Promise<readonly MappedValue[]> {
  const rows: MappedValue[] = [];
  for (const item of toItems(field.read(scope))) {
    rows.push(await mapFields(field.fields, { invoice: scope.invoice, item }, mapper));
  }
  return rows;
}

function mapLookup(
  to: string,
  lookup: CompiledLookup,
  scope: Scope,
  mapper: Mapper,
): LookupReference | undefined {
  const request = toRequest(lookup, scope);
  if (request === undefined) {
    if (lookup.onMissing !== "leaveEmpty") {
      mapper.reasons.push(`${to} needs a key and the document has none`);
    }
    return undefined;
  }
  const answer = mapper.answers.get(request.id) ?? null;
  if (answer !== null) {
    const bind = lookup.tables.find(({ table }) => table === answer.table)?.bind;
    return { kind: "reference", ...answer, ...(bind === undefined ? {} : { bind }) };
  }
  if (lookup.onMissing === "wait") mapper.missing.add(request.label);
  if (lookup.onMissing === "reject") {
    mapper.reasons.push(`${to} points at ${request.label}, which is not there`);
  }
  return undefined;
}

/** Undefined when no table has a complete key: there is nothing to look for. */
function toRequest(lookup: CompiledLookup, scope: Scope): LookupRequest | undefined {
  const tables: LookupRequest["tables"][number][] = [];
  for (const { table, bind, key } of lookup.tables) {
    const columns: Record<string, string> = {};
    let complete = true;
    for (const { column, read } of key) {
      const value = read(scope);
      if (typeof value === "string" && value !== "") columns[column] = value;
      else if (typeof value === "number") columns[column] = String(value);
      else complete = false;
    }
    if (complete) tables.push({ table, key: columns, ...(bind === undefined ? {} : { bind }) });
  }
  const [first] = tables;
  if (first === undefined) return undefined;
  const { legalEntity } = scope.invoice;
  const values = Object.values(first.key).filter((value) => value !== legalEntity);
  return {
    id: JSON.stringify(tables.map(({ table, key }) => [table, key])),
    label: [first.table, legalEntity, ...values].join("/"),
    tables,
    cacheSeconds: lookup.cacheSeconds,
    ...(lookup.onMissing === "leaveEmpty" ? { mayBeMissing: true } : {}),
  };
}

function put(record: MutableRecord, to: readonly string[], value: MappedValue): void {
  let place = record;
  for (const name of to.slice(0, -1)) {
    place[name] ??= {};
    place = place[name] as MutableRecord;
  }
  place[to.at(-1) ?? ""] = value;
}

function toItems(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function invoiceOf(event: MappableEvent): CanonicalInvoice {
  if (event.data === undefined) {
    throw new TypeError("The event has no data: its claim check has to be redeemed before mapping");
  }
  return event.data;
}
