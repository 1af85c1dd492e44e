import { checkDecimals } from "./check-value.ts";
import type { TableMetadata } from "./table-metadata.ts";
import type { Row } from "./table-store.ts";

/** Organisation setting: decimals of prices. https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/organization */
const pricingDecimals = 2;

/** Prices are rounded to the organisation's pricing decimals (from memory); other money must fit. */
export function toStoredMoney(table: TableMetadata, row: Row, currencyDecimals: number): Row {
  const prices: Record<string, number> = {};
  for (const [name, column] of table.columns) {
    const value = row[name];
    if (column.type !== "Money" || typeof value !== "number" || column.computed === true) continue;
    if (column.precisionSource === "pricing") prices[name] = Number(value.toFixed(pricingDecimals));
    else {
      const own = column.precisionSource === "attribute" ? (column.precision ?? 2) : undefined;
      checkDecimals(table, name, value, own ?? currencyDecimals);
    }
  }
  return { ...row, ...prices };
}
