import { randomUUID } from "node:crypto";

export type Row = Readonly<Record<string, unknown>>;

/** What the sample-style app sends from its first function to the others. */
export interface SampleInvoice {
  readonly company: string;
  readonly number: string;
  readonly eventId: string;
  readonly header: Row;
  readonly lines: readonly Row[];
  readonly customer: Row;
}

const lineEnd = "\r\n";

/** An invoice with its lines in one request: a changeset, as Dataverse's documentation shows it. */
export function toInvoiceBatch(
  { company, number, header, lines }: SampleInvoice,
  accountId: string,
): { readonly body: string; readonly contentType: string } {
  const [batch, changeset] = [`batch_${randomUUID()}`, `changeset_${randomUUID()}`];
  const parts = [
    toPart(changeset, 1, "invoices", {
      name: number,
      invoicenumber: number,
      description: `Invoice ${number} of ${company}, dated ${toDay(header["InvoiceDate"])}`,
      "customerid_account@odata.bind": `/accounts(${accountId})`,
    }),
    ...lines.map((line, index) =>
      toPart(changeset, index + 2, "invoicedetails", {
        "invoiceid@odata.bind": "$1",
        isproductoverridden: true,
        productdescription: toText(line["ProductDescription"]).slice(0, 500),
        quantity: Number(line["InvoicedQuantity"]),
        priceperunit: Number(line["SalesPrice"]),
        tax: Number(line["LineTotalTaxAmount"]),
      }),
    ),
  ];
  const inner = `Content-Type: multipart/mixed; boundary=${changeset}${lineEnd}${lineEnd}${parts.join("")}--${changeset}--${lineEnd}`;
  return {
    body: `--${batch}${lineEnd}${inner}--${batch}--${lineEnd}`,
    contentType: `multipart/mixed; boundary=${batch}`,
  };
}

function toPart(boundary: string, contentId: number, path: string, row: Row): string {
  return [
    `--${boundary}`,
    "Content-Type: application/http",
    "Content-Transfer-Encoding: binary",
    `Content-ID: ${contentId}`,
    "",
    `POST /api/data/v9.2/${path} HTTP/1.1`,
    "Content-Type: application/json; type=entry",
    "",
    JSON.stringify(row),
    "",
  ].join(lineEnd);
}

export function toCrmMessage(invoice: SampleInvoice): Row {
  const { company, number, header, lines, customer } = invoice;
  return {
    effectKey: toGuid(invoice),
    object: "Invoice__c",
    externalIdField: "Causeway_Key__c",
    record: {
      Name: number,
      Company__c: company,
      Document_Type__c: "Invoice",
      Is_Correction__c: false,
      Invoice_Date__c: toDay(header["InvoiceDate"]),
      Voucher__c: String(header["LedgerVoucher"]),
      Customer_Account__c: String(customer["CustomerAccount"]),
      Customer_Name__c: String(customer["OrganizationName"]),
      Currency__c: String(header["CurrencyCode"]),
      Total__c: Number(header["TotalInvoiceAmount"]),
      Tax__c: Number(header["TotalTaxAmount"]),
    },
    lines: lines.map((line, index) => ({
      Line_Number__c: index + 1,
      Product__c: line["ProductNumber"],
      Description__c: line["ProductDescription"],
      Quantity__c: Number(line["InvoicedQuantity"]),
      Unit_Price__c: Number(line["SalesPrice"]),
      Amount__c: Number(line["LineAmount"]),
    })),
  };
}

export function toMailMessage(invoice: SampleInvoice): Row {
  const { company, number, header, lines, customer } = invoice;
  const labels = ["number", "date", "dueDate", "account", "salesOrder", "product", "description"];
  const amounts = [
    "quantity",
    "unit",
    "unitPrice",
    "amount",
    "tax",
    "charges",
    "discount",
    "total",
  ];
  return {
    step: "send",
    operationId: toGuid(invoice),
    generation: 0,
    sender: "DoNotReply@mail.causeway.example",
    to: [{ address: String(customer["PrimaryContactEmail"]) }],
    subject: `Invoice ${number} from ${company.toUpperCase()}`,
    texts: {
      heading: `Invoice ${number}`,
      greeting: "Hello,",
      intro: "we have posted an invoice.",
      closing: "Sincerely",
      legalNotice: "This is not the legal invoice.",
      ...Object.fromEntries([...labels, ...amounts].map((name) => [`${name}Label`, name])),
    },
    invoice: {
      company,
      number,
      documentType: "invoice",
      corrects: null,
      date: toDay(header["InvoiceDate"]),
      dueDate: null,
      customerAccount: String(customer["CustomerAccount"]),
      customerName: String(customer["OrganizationName"]),
      salesOrder: null,
      currency: String(header["CurrencyCode"]),
      total: String(header["TotalInvoiceAmount"]),
      tax: String(header["TotalTaxAmount"]),
      charges: "0",
      discount: "0",
      lines: lines.map((line, index) => ({
        number: index + 1,
        product: String(line["ProductNumber"]),
        description: String(line["ProductDescription"]),
        quantity: String(line["InvoicedQuantity"]),
        unit: String(line["SalesUnitSymbol"]),
        unitPrice: String(line["SalesPrice"]),
        amount: String(line["LineAmount"]),
        tax: String(line["LineTotalTaxAmount"]),
      })),
    },
    notice: null,
  };
}

/** An id of version 5's form, as the workflows' schemas ask for. */
function toGuid({ eventId }: SampleInvoice): string {
  const id = eventId.toLowerCase();
  return `${id.slice(0, 14)}5${id.slice(15, 19)}8${id.slice(20)}`;
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function toDay(value: unknown): string {
  return String(value).slice(0, 10);
}
