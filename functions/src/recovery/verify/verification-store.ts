import type { TableStore } from "../../platform/table-store.ts";
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
/** A column holds 32 Ki characters; the counts matter more than the hundredth finding. */
const maxFindings = 60;

export function createVerificationStore(store: TableStore): VerificationStore {
  return {
    save: async (verification) => {
      const report = { ...verification, findings: verification.findings.slice(0, maxFindings) };
      const columns = {
        report: JSON.stringify(report),
        summary: JSON.stringify(toSummary(verification)),
        state: verification.state,
      };
      const row = { partitionKey, rowKey: verification.id, columns };
      await store.write(verificationsTable, { kind: "upsert", row });
    },
    get: async (id) => {
      const stored = await store.get(verificationsTable, { partitionKey, rowKey: id });
      return stored === undefined ? undefined : toVerification(stored.columns["report"]);
    },
    list: async (limit) => {
      const { rows } = await store.query(verificationsTable, { partitionKey, limit });
      return rows.map(({ columns }) => toVerification(columns["report"]));
    },
    summaries: async (limit) => {
      const { rows } = await store.query(verificationsTable, {
        ...{ partitionKey, limit, select: ["summary"] },
      });
      // Those of a version before this one have none.
      return rows.flatMap(({ columns: { summary } }) =>
        typeof summary === "string" ? [JSON.parse(summary) as VerificationSummary] : [],
      );
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

function toVerification(text: unknown): Verification {
  return JSON.parse(String(text)) as Verification;
}
