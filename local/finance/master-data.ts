/** The companies, customers, products and currencies that every simulated system and test agrees on. */
export interface Company {
  readonly id: string;
  readonly name: string;
  readonly currency: string;
  readonly language: string;
  /** Share of the net amount. */
  readonly taxRate: string;
}

export interface Customer {
  readonly company: string;
  readonly account: string;
  readonly name: string;
  readonly email: string;
}

export interface Product {
  readonly number: string;
  readonly name: string;
  readonly unit: string;
  /** In US dollars. */
  readonly price: string;
}

export const companies: readonly Company[] = [
  {
    id: "usmf",
    name: "Contoso Entertainment System USA",
    currency: "USD",
    language: "en-us",
    taxRate: "0.0825",
  },
  {
    id: "gbsi",
    name: "Contoso Entertainment System UK",
    currency: "GBP",
    language: "en-gb",
    taxRate: "0.2",
  },
  {
    id: "demf",
    name: "Contoso Entertainment System Germany",
    currency: "EUR",
    language: "de",
    taxRate: "0.19",
  },
  {
    id: "jpmf",
    name: "Contoso Entertainment System Japan",
    currency: "JPY",
    language: "ja",
    taxRate: "0.1",
  },
];

export const customers: readonly Customer[] = [
  {
    company: "usmf",
    account: "US-001",
    name: "Contoso Retail",
    email: "ap@contoso-retail.example",
  },
  { company: "usmf", account: "US-002", name: "Fabrikam Supplies", email: "" },
  {
    company: "usmf",
    account: "US-003",
    name: "Northwind Parts",
    email: "billing@northwind.example",
  },
  { company: "gbsi", account: "GB-001", name: "Wide World Importers", email: "ledger@wwi.example" },
  {
    company: "demf",
    account: "DE-001",
    name: "Litware Handels GmbH",
    email: "rechnung@litware.example",
  },
  {
    company: "jpmf",
    account: "JP-001",
    name: "Tailspin Trading KK",
    email: "keiri@tailspin.example",
  },
];

export const products: readonly Product[] = [
  { number: "D0001", name: "Mid-range speaker", unit: "ea", price: "110.50" },
  { number: "D0003", name: "Standard speaker", unit: "ea", price: "58.25" },
  { number: "D0011", name: "Laptop", unit: "ea", price: "1299.99" },
  { number: "T0004", name: "Television", unit: "ea", price: "749.00" },
];

/** US dollars for one unit: fixed, so that amounts can be foretold. */
const DOLLARS_PER_UNIT: Readonly<Record<string, string>> = {
  USD: "1",
  EUR: "1.08",
  GBP: "1.25",
  JPY: "0.0065",
  KWD: "3.25",
  CAD: "0.74",
};

const DECIMALS: Readonly<Record<string, number>> = { JPY: 0, KWD: 3 };

export function isKnownCurrency(currency: string): boolean {
  return currency in DOLLARS_PER_UNIT;
}

export function dollarsPerUnit(currency: string): string {
  return DOLLARS_PER_UNIT[currency] ?? "1";
}

/** ISO 4217: how many decimals amounts of this currency have. */
export function currencyDecimals(currency: string): number {
  return DECIMALS[currency] ?? 2;
}
