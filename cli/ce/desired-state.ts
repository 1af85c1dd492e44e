/**
 * What Causeway adds to CE, and nothing more. Standard tables have no alternate key, and invoices
 * recalculate their totals, so a key of ours and columns for F&O's own totals are needed.
 */
export type ColumnKind = "text" | "dateTime" | "money";

export interface DesiredColumn {
  readonly table: string;
  readonly name: string;
  readonly label: string;
  readonly kind: ColumnKind;
}

export interface DesiredKey {
  readonly table: string;
  readonly name: string;
  readonly label: string;
  readonly columns: readonly string[];
}

export const publisher = { name: "causeway", label: "Causeway", prefix: "cwy" } as const;
export const solution = { name: "causeway", label: "Causeway", version: "1.0.0.0" } as const;

export const columns: readonly DesiredColumn[] = [
  { table: "invoice", name: "cwy_key", label: "Causeway key", kind: "text" },
  { table: "invoice", name: "cwy_syncedon", label: "Synced from finance on", kind: "dateTime" },
  { table: "invoice", name: "cwy_total", label: "Total in finance", kind: "money" },
  { table: "invoice", name: "cwy_tax", label: "Tax in finance", kind: "money" },
  { table: "invoice", name: "cwy_charges", label: "Charges in finance", kind: "money" },
  { table: "invoice", name: "cwy_discount", label: "Discount in finance", kind: "money" },
  { table: "invoicedetail", name: "cwy_key", label: "Causeway key", kind: "text" },
  { table: "invoicedetail", name: "cwy_amount", label: "Amount in finance", kind: "money" },
  { table: "invoicedetail", name: "cwy_tax", label: "Tax in finance", kind: "money" },
];

export const keys: readonly DesiredKey[] = [
  { table: "invoice", name: "cwy_key_key", label: "Causeway key", columns: ["cwy_key"] },
  { table: "invoicedetail", name: "cwy_key_key", label: "Causeway key", columns: ["cwy_key"] },
];

export const view = {
  table: "invoice",
  name: "Invoices from finance",
  columns: ["name", "customerid", "cwy_total", "cwy_syncedon"],
} as const;

/** Least privilege for the application user: what deliver-ce does, and no delete. */
export const role = {
  name: "Causeway integration",
  privileges: [
    "prvReadInvoice",
    "prvCreateInvoice",
    "prvWriteInvoice",
    "prvAppendInvoice",
    "prvAppendToInvoice",
    "prvAssignInvoice",
    "prvReadAccount",
    "prvAppendToAccount",
    "prvReadContact",
    "prvAppendToContact",
    "prvReadProduct",
    "prvAppendToProduct",
    "prvReadTransactionCurrency",
    "prvAppendToTransactionCurrency",
    "prvReadTeam",
    "prvReadUser",
  ],
} as const;
