import { createHash } from "node:crypto";
import type { LocalClock } from "../clock.ts";

export interface CrmRecord {
  readonly Id: string;
  readonly CreatedDate: string;
  readonly LastModifiedDate: string;
  readonly [field: string]: unknown;
}

export interface RecordStore {
  list(object: string): readonly CrmRecord[];
  byId(object: string, id: string): CrmRecord | undefined;
  find(object: string, field: string, value: string): readonly CrmRecord[];
  upsert(
    object: string,
    field: string,
    value: string,
    fields: Readonly<Record<string, unknown>>,
  ): { readonly record: CrmRecord; readonly created: boolean };
  /** Adds a record without looking for its external id: how an org comes to hold two of one. */
  insert(object: string, fields: Readonly<Record<string, unknown>>): CrmRecord;
}

/** Records by object, with an index per external id so that an upsert does not scan. */
export function createRecordStore(clock: LocalClock): RecordStore {
  const objects = new Map<string, Map<string, CrmRecord>>();
  const index = new Map<string, string[]>();
  const table = (object: string): Map<string, CrmRecord> => {
    const existing = objects.get(object) ?? new Map<string, CrmRecord>();
    objects.set(object, existing);
    return existing;
  };
  const indexKey = (object: string, field: string, value: string): string =>
    JSON.stringify([object, field, value.toLowerCase()]);
  let serial = 0;

  const insert = (object: string, fields: Readonly<Record<string, unknown>>): CrmRecord => {
    const now = new Date(clock.now()).toISOString();
    const record: CrmRecord = {
      Id: toRecordId(object, (serial += 1)),
      CreatedDate: now,
      LastModifiedDate: now,
      ...fields,
    };
    table(object).set(record.Id, record);
    for (const [field, value] of Object.entries(fields)) {
      if (!field.endsWith("_Key__c") || typeof value !== "string") continue;
      const key = indexKey(object, field, value);
      index.set(key, [...(index.get(key) ?? []), record.Id]);
    }
    return record;
  };

  const find = (object: string, field: string, value: string): readonly CrmRecord[] =>
    (index.get(indexKey(object, field, value)) ?? []).flatMap((id) => table(object).get(id) ?? []);

  return {
    list: (object) => [...table(object).values()],
    byId: (object, id) => table(object).get(id),
    find,
    insert,
    upsert: (object, field, value, fields) => {
      const existing = find(object, field, value)[0];
      if (existing === undefined) {
        return { record: insert(object, { ...fields, [field]: value }), created: true };
      }
      const record: CrmRecord = {
        ...existing,
        ...fields,
        LastModifiedDate: new Date(clock.now()).toISOString(),
      };
      table(object).set(record.Id, record);
      return { record, created: false };
    },
  };
}

/** 18 characters that look like a custom object's id: prefix of the object, then a serial. */
function toRecordId(object: string, serial: number): string {
  const prefix = `a${createHash("sha256").update(object).digest("hex").slice(0, 2)}`;
  return `${prefix}${serial.toString(36).toUpperCase().padStart(12, "0")}AAA`;
}
