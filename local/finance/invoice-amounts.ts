import { Decimal } from "decimal.js";
import { currencyDecimals, dollarsPerUnit } from "./master-data.ts";
import type { Product } from "./master-data.ts";

export interface LineInput {
  readonly product?: string;
  readonly description?: string;
  readonly quantity?: number;
  readonly unitPrice?: number;
  readonly unit?: string;
}

interface InvoiceLine {
  /** "" on a free-text line. */
  readonly product: string;
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly quantity: number;
  readonly unitPrice: number;
  readonly amount: number;
  readonly tax: number;
}

export interface InvoiceAmounts {
  readonly lines: readonly InvoiceLine[];
  readonly net: number;
  readonly tax: number;
  readonly charges: number;
  readonly discount: number;
  readonly total: number;
  /** F&O's way: units of the company's currency for 100 of the invoice's. */
  readonly exchangeRate: number;
  readonly toCompanyCurrency: (amount: number) => number;
}

export interface AmountInput {
  readonly lines: readonly LineInput[];
  readonly products: readonly Product[];
  readonly isCredit: boolean;
  readonly currency: string;
  readonly companyCurrency: string;
  readonly taxRate: string;
  readonly charges: number;
  readonly discount: number;
}

/** Prices, taxes and totals of an invoice, rounded line by line to its currency's decimals as F&O does. */
export function computeAmounts(input: AmountInput): InvoiceAmounts {
  const { currency, companyCurrency } = input;
  const sign = input.isCredit ? -1 : 1;
  const lines = input.lines.map((line, index) => toLine(line, index, sign, input));
  const net = sum(lines.map(({ amount }) => amount));
  const charges = round(new Decimal(input.charges).times(sign), currency);
  const discount = round(new Decimal(input.discount).times(sign), currency);
  const tax = sum(lines.map((line) => line.tax));
  const rate = new Decimal(dollarsPerUnit(currency)).div(dollarsPerUnit(companyCurrency));
  const total = new Decimal(net).plus(charges).minus(discount).plus(tax).toNumber();
  return {
    lines,
    net,
    tax,
    charges,
    discount,
    total,
    exchangeRate: rate.times(100).toDecimalPlaces(10).toNumber(),
    toCompanyCurrency: (amount) => round(rate.times(amount), companyCurrency),
  };
}

function toLine(line: LineInput, index: number, sign: number, input: AmountInput): InvoiceLine {
  const { products, currency, taxRate } = input;
  const product =
    products.find(({ number }) => number === line.product) ?? products[index % products.length];
  const price = new Decimal(product?.price ?? "0").div(dollarsPerUnit(currency));
  const unitPrice = round(new Decimal(line.unitPrice ?? price), currency);
  const quantity = (line.quantity ?? 1 + (index % 3)) * sign;
  const amount = round(new Decimal(unitPrice).times(quantity), currency);
  const name = line.description ?? product?.name ?? "";
  return {
    product: line.product ?? product?.number ?? "",
    name,
    description: name,
    unit: line.unit ?? product?.unit ?? "",
    quantity,
    unitPrice,
    amount,
    tax: round(new Decimal(amount).times(taxRate), currency),
  };
}

function round(amount: Decimal, currency: string): number {
  return amount.toDecimalPlaces(currencyDecimals(currency), Decimal.ROUND_HALF_UP).toNumber();
}

function sum(amounts: readonly number[]): number {
  return Decimal.sum(0, ...amounts).toNumber();
}
