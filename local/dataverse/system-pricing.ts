import type { Row } from "./table-store.ts";

/**
 * What Dynamics 365 Sales computes as long as system pricing is on (the default): a line's amounts from
 * quantity, price, discount and tax; an invoice's totals from its lines, discount and freight. What a
 * caller wrote into those columns is overwritten. A locked invoice keeps its lines' prices.
 */
export function priceLine(line: Row, decimals: number): Row {
  const base = round(numberOf(line, "quantity") * numberOf(line, "priceperunit"), decimals);
  const extended = base - numberOf(line, "manualdiscountamount") + numberOf(line, "tax");
  return { ...line, baseamount: base, extendedamount: round(extended, decimals) };
}

export function priceInvoice(invoice: Row, lines: readonly Row[], decimals: number): Row {
  let items = 0;
  let lineDiscounts = 0;
  let tax = 0;
  for (const line of lines) {
    const discount = numberOf(line, "manualdiscountamount");
    items += numberOf(line, "baseamount") - discount;
    lineDiscounts += discount;
    tax += numberOf(line, "tax");
  }
  const discount =
    numberOf(invoice, "discountamount") + (items * numberOf(invoice, "discountpercentage")) / 100;
  const beforeFreight = items - discount;
  return {
    ...invoice,
    totallineitemamount: round(items, decimals),
    totallineitemdiscountamount: round(lineDiscounts, decimals),
    totaldiscountamount: round(discount + lineDiscounts, decimals),
    totalamountlessfreight: round(beforeFreight, decimals),
    totaltax: round(tax, decimals),
    totalamount: round(beforeFreight + numberOf(invoice, "freightamount") + tax, decimals),
  };
}

function numberOf(row: Row, property: string): number {
  const value = row[property];
  return typeof value === "number" ? value : 0;
}

function round(value: number, decimals: number): number {
  // toFixed after a nudge: 1.005 is 1.00499… in binary.
  return Number((value + Math.sign(value) * 1e-9).toFixed(decimals));
}
