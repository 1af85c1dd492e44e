import { Decimal } from "decimal.js";
import type { DecimalString } from "../../../schemas/types/canonical-invoice.ts";
import type { Amount } from "../dynamics/finance-rows.ts";

/**
 * Decimals of currencies that do not have two (ISO 4217). Written down and not asked of Intl: that
 * follows usage and not the standard (IQD), and changes with the Node version.
 */
const decimalsOf: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
      .split(" ")
      .map((code) => [code, 0]),
  ),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3])),
  ...Object.fromEntries("CLF UYW".split(" ").map((code) => [code, 4])),
};

function currencyDecimals(currency: string): number {
  return decimalsOf[currency] ?? 2;
}

/** Rounded half away from zero, as invoices are. Nothing counts as zero; so does -0. */
export function toAmount(value: Amount, currency: string): DecimalString {
  return fixed(toDecimal(value), currencyDecimals(currency));
}

/** All the digits that F&O keeps, and at least the currency's: a price of 0.0125 is not 0.01. */
export function toPrice(value: Amount, currency: string): DecimalString {
  const price = toDecimal(value);
  return fixed(price, Math.max(currencyDecimals(currency), price.decimalPlaces()));
}

/** All the digits that F&O keeps and no more: "2", "2.5". */
export function toQuantity(value: Amount): DecimalString {
  const quantity = toDecimal(value);
  return fixed(quantity, quantity.decimalPlaces());
}

/**
 * An amount whose currency is not told: F&O has rounded it already. Whole numbers stay whole (yen),
 * others get at least two decimals.
 */
export function toAccountingAmount(value: Amount): DecimalString {
  const amount = toDecimal(value);
  const decimals = amount.decimalPlaces();
  return fixed(amount, decimals === 0 ? 0 : Math.max(2, decimals));
}

export function isNegative(value: Amount): boolean {
  return toDecimal(value).lessThan(0);
}

export function addAmounts(...values: readonly Amount[]): string {
  return values
    .reduce<Decimal>((sum, value) => sum.plus(toDecimal(value)), new Decimal(0))
    .toFixed();
}

function toDecimal(value: Amount): Decimal {
  return value === null || value === undefined || value === ""
    ? new Decimal(0)
    : new Decimal(value);
}

function fixed(value: Decimal, decimals: number): DecimalString {
  const text = value.toFixed(decimals, Decimal.ROUND_HALF_UP);
  return /^-[0.]+$/.test(text) ? text.slice(1) : text;
}
