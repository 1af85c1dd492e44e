import { packBody, toEmptyColumns, unpackBody } from "../../delivery/ledger-columns.ts";
import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { isConflict } from "../../platform/table-store.ts";
import type { ColumnValue, StoredRow, TableStore } from "../../platform/table-store.ts";
import type { EventChange } from "../replay/replay-job.ts";
import type { Edit } from "./edit.ts";

/**
 * Table `edits`, newest first: ids count backwards, as replays' do. A row holds the edited event beside the story, and
 * the changes in columns of their own: whole values of twenty of them are more than a column of text holds.
 */
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
/** The edited event is not among them. */
const shown = ["edit", ...Object.keys(toEmptyColumns("changes"))];

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
        select: shown,
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

function toColumns({ changes, ...edit }: Edit): Record<string, ColumnValue> {
  const story = { state: edit.state, edit: JSON.stringify(edit) };
  return { ...story, ...packBody("changes", JSON.stringify(changes)) };
}

/** Once their retention is over, the changes are in the story: paths alone. */
export function toEdit({ columns }: Pick<StoredRow, "columns">): Edit {
  const edit = JSON.parse(String(columns["edit"])) as Edit;
  const changes = unpackBody("changes", columns);
  if (changes === undefined) return edit;
  return { ...edit, changes: JSON.parse(changes) as readonly EventChange[] };
}

function toStoredEdit(stored: StoredRow): StoredEdit {
  const event = JSON.parse(unpackBody("body", stored.columns) ?? "null") as CanonicalEvent | null;
  return { edit: toEdit(stored), event, etag: stored.etag };
}
