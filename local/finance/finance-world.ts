import { EntityTable } from "./entity-table.ts";
import { entitySets } from "./entity-sets.ts";
import { FinanceError } from "./finance-error.ts";
import { companies, customers, products } from "./master-data.ts";
import type { Customer } from "./master-data.ts";

export interface WorldOptions {
  /** Share of 1 for everything that F&O would leave to chance: the same numbers give the same world. */
  readonly random?: () => number;
  /** First number of every number sequence; another one keeps two runs apart in a store that stays. */
  readonly firstNumber?: number;
}

/** RecIds of F&O begin here. */
const FIRST_REC_ID = 5_637_144_576;
const FIRST_CONTROL_NUMBER = 5_637_611_083;

/** The database of the simulated F&O: tables, number sequences and record ids. */
export class FinanceWorld {
  readonly random: () => number;
  readonly #tables: ReadonlyMap<string, EntityTable>;
  readonly #firstNumber: number;
  readonly #sequences = new Map<string, number>();
  #recId = FIRST_REC_ID;
  #controlNumber = FIRST_CONTROL_NUMBER;

  constructor({ random = Math.random, firstNumber = 1 }: WorldOptions = {}) {
    this.random = random;
    this.#firstNumber = firstNumber;
    this.#tables = new Map(
      [...entitySets].map(([name, set]) => [name, new EntityTable(set, () => this.nextRecId())]),
    );
    this.#seed();
  }

  table(name: string): EntityTable {
    const table = this.#tables.get(name);
    if (table === undefined) {
      throw new FinanceError("NOT_FOUND", `Resource not found for the segment '${name}'.`);
    }
    return table;
  }

  nextRecId(): number {
    return (this.#recId += 1);
  }

  /** Rises, with gaps. */
  nextControlNumber(): number {
    return (this.#controlNumber += 1 + Math.floor(this.random() * 7));
  }

  /** The next number of a company's sequence, for example `CIV-000001`. */
  nextNumber(company: string, prefix: string, digits: number): string {
    const key = `${company}/${prefix}`;
    const number = this.#sequences.get(key) ?? this.#firstNumber;
    this.#sequences.set(key, number + 1);
    return `${prefix}${String(number).padStart(digits, "0")}`;
  }

  /** A GUID in upper case, as F&O writes them. */
  nextGuid(): string {
    const digit = (): string => Math.floor(this.random() * 16).toString(16);
    const text = "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replaceAll("x", digit);
    return text.toUpperCase();
  }

  addCustomer(customer: Customer): void {
    const company = companies.find(({ id }) => id === customer.company);
    if (company === undefined) {
      throw new FinanceError("UNKNOWN_MASTER_DATA", `There is no company ${customer.company}`);
    }
    this.table("CustomersV3").insert({
      dataAreaId: customer.company,
      CustomerAccount: customer.account,
      OrganizationName: customer.name,
      NameAlias: customer.name,
      PartyType: "Organization",
      PartyNumber: this.nextNumber("", "", 9),
      CustomerGroupId: "30",
      SalesCurrencyCode: company.currency,
      PrimaryContactEmail: customer.email,
      LanguageId: company.language,
      InvoiceAccount: customer.account,
      PaymentTerms: "Net30",
    });
  }

  #seed(): void {
    for (const { id, name, language } of companies) {
      const PartyNumber = this.nextNumber("", "", 9);
      this.table("Companies").insert({
        DataArea: id,
        Name: name,
        KnownAs: name,
        LanguageId: language,
        PartyNumber,
      });
      this.table("LegalEntities").insert({
        LegalEntityId: id,
        Name: name,
        LanguageId: language,
        PartyNumber,
      });
    }
    for (const customer of customers) this.addCustomer(customer);
    for (const [BusinessEventId, Name] of catalog) {
      this.table("BusinessEventsCatalogs").insert({ BusinessEventId, Name });
    }
  }

  /** The n-th product, round and round. */
  productAt(index: number): (typeof products)[number] {
    const product = products[index % products.length];
    if (product === undefined) throw new FinanceError("UNKNOWN_MASTER_DATA", "No products");
    return product;
  }
}

const catalog = [
  ["SalesInvoicePostedBusinessEvent", "Invoice created from sales order"],
  ["CustFreeTextInvoicePostedBusinessEvent", "Free text invoice posted"],
  ["PurchaseOrderConfirmedBusinessEvent", "Purchase order confirmed"],
] as const;
