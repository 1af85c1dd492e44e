import { packBody, unpackBody } from "../../delivery/ledger-columns.ts";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isConflict } from "../../platform/table-store.ts";
import type { StoredRow, TableStore } from "../../platform/table-store.ts";
import type { Edit } from "./edit.ts";

/** Table `edits`, newest first: ids count backwards, as replays' do. A row holds the edited event beside the story. */
export interface EditStore {
  propose(edit: Edit, event: CanonicalEvent): Promise<void>;
  get(id: string): Promise<StoredEdit | undefined>;
  list(page: {
    readonly limit: number;
    readonly continuation?: string | undefined;
  }): Promise<{ readonly edits: readonly Edit[]; readonly continuation?: string }>;
  /** False when somebody else has decided meanwhile. */
  decide(stored: StoredEdit, changes: Partial<Edit>): Promise<boolean>;
}

export interface StoredEdit {
  readonly edit: Edit;
  /** Null once its retention is over. */
  readonly event: CanonicalEvent | null;
  readonly etag: string;
}

export const editsTable = "edits";
export const editsPartition = "edit";
const partitionKey = editsPartition;

export function createEditStore(store: TableStore): EditStore {
  return {
    propose: async (edit, event) => {
      const columns = { ...toColumns(edit), ...packBody("body", JSON.stringify(event)) };
      const row = { partitionKey, rowKey: edit.id, columns };
      await store.write(editsTable, { kind: "insert", row });
    },
    get: async (id) => {
      const stored = await store.get(editsTable, { partitionKey, rowKey: id });
      return stored === undefined ? undefined : toStoredEdit(stored);
    },
    list: async ({ limit, continuation }) => {
      const page = await store.query(editsTable, {
        partitionKey,
        limit,
        select: ["edit"],
        ...(continuation === undefined ? {} : { continuation }),
      });
      const edits = page.rows.map(toEdit);
      return page.continuation === undefined
        ? { edits }
        : { edits, continuation: page.continuation };
    },
    decide: async ({ edit, etag }, changes) => {
      const columns = toColumns({ ...edit, ...changes });
      const row = { partitionKey, rowKey: edit.id, columns };
      try {
        await store.write(editsTable, { kind: "merge", row, etag });
        return true;
      } catch (error) {
        if (!isConflict(error)) throw error;
        return false;
      }
    },
  };
}

function toColumns(edit: Edit): Record<string, string> {
  return { state: edit.state, edit: JSON.stringify(edit) };
}

function toEdit({ columns }: StoredRow): Edit {
  return JSON.parse(String(columns["edit"])) as Edit;
}

function toStoredEdit(stored: StoredRow): StoredEdit {
  const event = JSON.parse(unpackBody("body", stored.columns) ?? "null") as CanonicalEvent | null;
  return { edit: toEdit(stored), event, etag: stored.etag };
}
