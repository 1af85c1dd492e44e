import type { DataverseClient } from "../../dynamics/dataverse-client.ts";

export interface KeptInvoice {
  readonly count: number;
  readonly amount: number | null;
}

/** What CE holds under effect keys: a few hundred keys a request. */
export async function readInvoiceKeys(
  client: DataverseClient,
  effectKeys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeptInvoice>> {
  if (effectKeys.length === 0) return new Map();
  const query = {
    select: ["cwy_key", "cwy_total"],
    by: ["cwy_key"],
    values: effectKeys.map((key) => [key]),
  };
  const kept = new Map<string, KeptInvoice>();
  for (const row of await client.findRows("invoices", query, { signal })) {
    const key = String(row["cwy_key"]).toLowerCase();
    const total = row["cwy_total"];
    kept.set(key, {
      count: (kept.get(key)?.count ?? 0) + 1,
      amount: typeof total === "number" ? total : null,
    });
  }
  return kept;
}
