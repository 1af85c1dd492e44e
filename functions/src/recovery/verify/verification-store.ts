/*
 * A report is one row: the report itself and its summary, each compressed over as many columns as it needs. A
 * column holds 32 Ki characters, which the counts of some forty companies fill. Rows of a version before this one
 * have both as plain text.
 */
import { packBody, toEmptyColumns, unpackBody } from "../../delivery/ledger-columns.ts";
import type { ColumnValue, TableStore } from "../../platform/table-store.ts";
import type { Verification, VerificationSummary } from "./verification.ts";

/** Reports, newest first: their ids count backwards, as replays' do. */
export interface VerificationStore {
  save(verification: Verification): Promise<void>;
  get(id: string): Promise<Verification | undefined>;
  list(limit: number): Promise<readonly Verification[]>;
  /** The same, at a small part of the cost. */
  summaries(limit: number): Promise<readonly VerificationSummary[]>;
}

const verificationsTable = "verifications";
const partitionKey = "report";
/** Enough to look into; the counts have all. */
const maxFindings = 60;
const summaryColumns = ["summary", ...Object.keys(toEmptyColumns("summary"))];

export function createVerificationStore(store: TableStore): VerificationStore {
  return {
    save: async (verification) => {
      const report = { ...verification, findings: verification.findings.slice(0, maxFindings) };
      const columns = {
        ...packBody("report", JSON.stringify(report)),
        ...packBody("summary", JSON.stringify(toSummary(verification))),
        state: verification.state,
      };
      const row = { partitionKey, rowKey: verification.id, columns };
      await store.write(verificationsTable, { kind: "upsert", row });
    },
    get: async (id) => {
      const stored = await store.get(verificationsTable, { partitionKey, rowKey: id });
      return stored === undefined ? undefined : toVerification(stored.columns);
    },
    list: async (limit) => {
      const { rows } = await store.query(verificationsTable, { partitionKey, limit });
      return rows.map(({ columns }) => toVerification(columns));
    },
    summaries: async (limit) => {
      const { rows } = await store.query(verificationsTable, {
        ...{ partitionKey, limit, select: summaryColumns },
      });
      return rows.flatMap(({ columns }) => {
        const summary = readText(columns, "summary");
        return summary === undefined ? [] : [JSON.parse(summary) as VerificationSummary];
      });
    },
  };
}

function toSummary(verification: Verification): VerificationSummary {
  const { by, counts, createdAt, endedAt, id, note, repaired, since, state, until } = verification;
  return {
    ...{ id, state, since, until, by, createdAt, endedAt, note, repaired },
    compared: counts.reduce((sum, each) => sum + each.compared, 0),
    differences: counts.filter((each) => each.missing + each.doubled + each.differing > 0),
  };
}

type Columns = Readonly<Record<string, ColumnValue>>;

function toVerification(columns: Columns): Verification {
  return JSON.parse(readText(columns, "report") ?? "") as Verification;
}

function readText(columns: Columns, name: string): string | undefined {
  const plain = columns[name];
  return unpackBody(name, columns) ?? (typeof plain === "string" ? plain : undefined);
}
