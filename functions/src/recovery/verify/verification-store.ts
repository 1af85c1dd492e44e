import type { TableStore } from "../../platform/table-store.ts";
import type { Verification } from "./verification.ts";

/** Reports, newest first: their ids count backwards, as replays' do. */
export interface VerificationStore {
  save(verification: Verification): Promise<void>;
  get(id: string): Promise<Verification | undefined>;
  list(limit: number): Promise<readonly Verification[]>;
}

const verificationsTable = "verifications";
const partitionKey = "report";
/** A column holds 32 Ki characters; the counts matter more than the hundredth finding. */
const maxFindings = 60;

export function createVerificationStore(store: TableStore): VerificationStore {
  return {
    save: async (verification) => {
      const report = { ...verification, findings: verification.findings.slice(0, maxFindings) };
      const columns = { report: JSON.stringify(report), state: verification.state };
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
  };
}

function toVerification(text: unknown): Verification {
  return JSON.parse(String(text)) as Verification;
}
