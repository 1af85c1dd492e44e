import { randomUUID } from "node:crypto";
import type { LocalClock } from "../clock.ts";
import { isGuid } from "./check-value.ts";
import {
  DataverseError,
  errorCodes,
  missingKey,
  missingResource,
  missingRow,
} from "./dataverse-error.ts";
import { checkRowState, isReadOnlyRow, withDefaults } from "./row-rules.ts";
import { lookupTableAnnotation, readPayload } from "./read-payload.ts";
import type { Payload } from "./read-payload.ts";
import { toStoredMoney } from "./stored-money.ts";
import { priceInvoice, priceLine } from "./system-pricing.ts";
import type { TableMetadata } from "./table-metadata.ts";
import { TableStore } from "./table-store.ts";
import type { AlternateKey, Row, Scalar } from "./table-store.ts";

/**
 * All rows of the organisation and the rules for writing them. A transaction collects how to undo each
 * write and which invoices need their totals computed; it either commits whole or leaves nothing.
 */
export type RowAddress =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "key"; readonly key: AlternateKey; readonly values: readonly Scalar[] };

export interface Precondition {
  /** `*`: only an existing row; an ETag: only this version. */
  readonly ifMatch?: string | undefined;
  /** `*`: only a new row. */
  readonly ifNoneMatch?: string | undefined;
}

export interface Written {
  readonly row: Row;
  readonly created: boolean;
}

export class Database {
  readonly #clock: LocalClock;
  readonly #byName = new Map<string, TableStore>();
  readonly #bySet = new Map<string, TableStore>();
  #version = 1_000_000;
  #undo: (() => void)[] | undefined;
  #unpriced = new Set<string>();

  constructor(clock: LocalClock, tables: readonly TableMetadata[]) {
    this.#clock = clock;
    for (const table of tables) {
      const store = new TableStore(table);
      this.#byName.set(table.logicalName, store);
      this.#bySet.set(table.entitySet, store);
    }
  }

  tables(): readonly TableStore[] {
    return [...this.#byName.values()];
  }

  findTable(logicalName: string): TableStore | undefined {
    return this.#byName.get(logicalName);
  }

  table(logicalName: string): TableStore {
    const store = this.#byName.get(logicalName);
    if (store === undefined) throw missingResource(logicalName);
    return store;
  }

  tableOfSet(entitySet: string): TableStore {
    const store = this.#bySet.get(entitySet);
    if (store === undefined) throw missingResource(entitySet);
    return store;
  }

  /** Runs the work as one unit; inside another transaction it joins that one. */
  transaction<T>(work: () => T): T {
    if (this.#undo !== undefined) return work();
    this.#undo = [];
    this.#unpriced = new Set();
    try {
      const result = work();
      for (const invoiceId of this.#unpriced) this.#priceInvoice(invoiceId);
      return result;
    } catch (error) {
      for (const undo of this.#undo.reverse()) undo();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  find(table: TableStore, address: RowAddress): Row | undefined {
    return address.kind === "id"
      ? table.byId(address.id)
      : table.byKey(address.key, address.values);
  }

  get(table: TableStore, address: RowAddress): Row {
    const row = this.find(table, address);
    if (row !== undefined) return row;
    const name = table.metadata.logicalName;
    throw address.kind === "id" ? missingRow(name, address.id) : missingKey(name);
  }

  create(table: TableStore, payload: Payload, user: string, bind: BindReader): Row {
    return this.#insert(table, payload, {}, user, bind);
  }

  /** PATCH: an upsert unless the precondition says otherwise. */
  upsert(
    table: TableStore,
    address: RowAddress,
    payload: Payload,
    when: Precondition,
    user: string,
    bind: BindReader,
  ): Written {
    const before = this.find(table, address);
    if (before === undefined) {
      if (when.ifMatch !== undefined) this.get(table, address);
      const fixed = toFixedValues(table, address);
      return { row: this.#insert(table, payload, fixed, user, bind), created: true };
    }
    if (when.ifNoneMatch === "*") {
      throw new DataverseError(
        412,
        errorCodes.preconditionFailed,
        "A record with matching key values already exists.",
      );
    }
    checkVersion(before, when.ifMatch);
    return { row: this.#update(table, before, payload, bind), created: false };
  }

  remove(table: TableStore, address: RowAddress): void {
    const row = this.get(table, address);
    const id = table.idOf(row);
    const { logicalName } = table.metadata;
    for (const child of this.#byName.values()) {
      if (child.metadata.parent?.table !== logicalName) continue;
      const property = `_${child.metadata.parent.column}_value`;
      for (const line of child.byIndex(property, [id]) ?? []) {
        this.remove(child, { kind: "id", id: child.idOf(line) });
      }
    }
    this.#touchParent(table, row);
    table.remove(id);
    this.#undo?.push(() => table.put(row));
  }

  /** Seeds and tests: a row as given, unchecked except for its keys. */
  put(logicalName: string, row: Row): Row {
    const table = this.table(logicalName);
    const whole = this.#stamp({ ...row }, undefined);
    table.put(whole);
    return whole;
  }

  #insert(table: TableStore, payload: Payload, fixed: Row, user: string, bind: BindReader): Row {
    const { metadata } = table;
    if (metadata.readOnly) throw missingResource(metadata.entitySet);
    const values = readPayload(metadata, payload, "create", bind);
    const id = String(values[metadata.primaryId] ?? fixed[metadata.primaryId] ?? randomUUID());
    if (table.byId(id) !== undefined) {
      throw new DataverseError(412, errorCodes.duplicateId, "Cannot insert duplicate key.");
    }
    const row = withDefaults(
      metadata,
      { ...this.#inherited(table, values), ...fixed, ...values, [metadata.primaryId]: id },
      user,
      this.#version,
    );
    return this.#write(table, undefined, row);
  }

  #update(table: TableStore, before: Row, payload: Payload, bind: BindReader): Row {
    const { metadata } = table;
    if (metadata.readOnly) throw missingResource(metadata.entitySet);
    const values = readPayload(metadata, payload, "update", bind);
    const owner = this.#parentOf(table, before);
    if (owner !== undefined) this.#refuseClosed(owner.table.metadata, owner.row, {});
    this.#refuseClosed(metadata, before, values);
    return this.#write(table, before, { ...before, ...checkRowState(metadata, before, values) });
  }

  #write(table: TableStore, before: Row | undefined, row: Row): Row {
    const { metadata } = table;
    const decimals = this.#currencyDecimals(row);
    const exact = toStoredMoney(metadata, row, decimals);
    const priced = metadata.logicalName === "invoicedetail" ? priceLine(exact, decimals) : exact;
    const whole = this.#stamp(priced, before);
    table.put(whole);
    const id = table.idOf(whole);
    if (before === undefined && metadata.parent === undefined) {
      table.createdAtMs.set(id, this.#clock.now());
    }
    this.#undo?.push(() => {
      if (before === undefined) table.remove(id);
      else table.put(before);
    });
    if (metadata.logicalName === "invoice") this.#unpriced.add(id);
    this.#touchParent(table, whole);
    return whole;
  }

  #stamp(row: Row, before: Row | undefined): Row {
    const now = new Date(this.#clock.now()).toISOString().replace(/\.\d{3}Z$/, "Z");
    this.#version += 1;
    return {
      ...row,
      createdon: before?.["createdon"] ?? now,
      modifiedon: now,
      versionnumber: this.#version,
    };
  }

  #parentOf(
    table: TableStore,
    row: Row,
  ): { readonly table: TableStore; readonly row: Row } | undefined {
    const { parent } = table.metadata;
    if (parent === undefined) return undefined;
    const store = this.table(parent.table);
    const found = store.byId(String(row[`_${parent.column}_value`]));
    return found === undefined ? undefined : { table: store, row: found };
  }

  /** A new line takes its invoice's currency and owner; a closed invoice takes no line. */
  #inherited(table: TableStore, values: Row): Row {
    const parent = this.#parentOf(table, values);
    if (parent === undefined) return {};
    this.#refuseClosed(parent.table.metadata, parent.row, {});
    const inherited = ["_transactioncurrencyid_value", "_ownerid_value"].flatMap((property) => [
      [property, parent.row[property] ?? null] as const,
      [
        property + lookupTableAnnotation,
        parent.row[property + lookupTableAnnotation] ?? null,
      ] as const,
    ]);
    return Object.fromEntries(inherited);
  }

  #refuseClosed(metadata: TableMetadata, row: Row, values: Row): void {
    if (!isReadOnlyRow(metadata, row)) return;
    const onlyState = Object.keys(values).every((name) => /^(statecode|statuscode)$/.test(name));
    if (onlyState && Object.keys(values).length > 0) return;
    throw new DataverseError(
      400,
      errorCodes.rowIsClosed,
      `The ${metadata.logicalName} is in a read-only state (statecode ${String(row["statecode"])}) and cannot be changed.`,
    );
  }

  #touchParent(table: TableStore, row: Row): void {
    if (table.metadata.parent?.table === "invoice") {
      this.#unpriced.add(String(row["_invoiceid_value"]));
    }
  }

  #priceInvoice(id: string): void {
    const table = this.table("invoice");
    const before = table.byId(id);
    if (before === undefined) return;
    const lines = this.table("invoicedetail").byIndex("_invoiceid_value", [id]) ?? [];
    table.put(priceInvoice(before, lines, this.#currencyDecimals(before)));
    this.#undo?.push(() => table.put(before));
  }

  #currencyDecimals(row: Row): number {
    const id = row["_transactioncurrencyid_value"];
    const currency =
      typeof id === "string" ? this.#byName.get("transactioncurrency")?.byId(id) : undefined;
    const decimals = currency?.["currencyprecision"];
    return typeof decimals === "number" ? decimals : 2;
  }
}

export type BindReader = Parameters<typeof readPayload>[3];

function toFixedValues(table: TableStore, address: RowAddress): Row {
  if (address.kind === "id") {
    if (!isGuid(address.id)) throw missingResource(address.id);
    return { [table.metadata.primaryId]: address.id.toLowerCase() };
  }
  return Object.fromEntries(
    address.key.columns.map((column, index) => [
      table.keyPropertyOf(column),
      address.values[index] ?? null,
    ]),
  );
}

function checkVersion(row: Row, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === "*") return;
  if (ifMatch === etagOf(row)) return;
  throw new DataverseError(
    412,
    errorCodes.versionMismatch,
    "The version of the existing record doesn't match the RowVersion property provided.",
  );
}

export function etagOf(row: Row): string {
  return `W/"${String(row["versionnumber"])}"`;
}
