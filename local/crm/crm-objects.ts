export interface CrmField {
  readonly type: "string" | "double" | "date" | "boolean" | "reference";
  readonly required: boolean;
  readonly maxLength?: number;
  accepts(value: unknown): boolean;
}

export interface CrmObject {
  readonly externalId: string;
  readonly fields: Readonly<Record<string, CrmField>>;
}

const text = (maxLength: number, required = false): CrmField => ({
  type: "string",
  required,
  maxLength,
  accepts: (value) => typeof value === "string",
});

/** Salesforce takes a number, or text that is one. */
const number = (required = false): CrmField => ({
  type: "double",
  required,
  accepts: (value) =>
    typeof value === "number" || (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value)),
});

const day = (required = false): CrmField => ({
  type: "date",
  required,
  accepts: (value) => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value),
});

const flag = (): CrmField => ({
  type: "boolean",
  required: false,
  accepts: (value) => typeof value === "boolean",
});

/** A reference may be written as the id, or as the parent's external id: `{"Causeway_Key__c": "…"}`. */
const parent = (): CrmField => ({
  type: "reference",
  required: false,
  accepts: (value) => typeof value === "object" && value !== null,
});

/** The custom objects that a team creates in its org before it switches the CRM target on. */
export const crmObjects: Readonly<Record<string, CrmObject>> = {
  Invoice__c: {
    externalId: "Causeway_Key__c",
    fields: {
      Name: text(80, true),
      Company__c: text(4, true),
      Customer_Account__c: text(40, true),
      Customer_Name__c: text(255),
      Document_Type__c: text(40),
      Invoice_Date__c: day(true),
      Due_Date__c: day(),
      Currency__c: text(3, true),
      Total__c: number(true),
      Tax__c: number(),
      Charges__c: number(),
      Discount__c: number(),
      Sales_Order__c: text(60),
      Voucher__c: text(60),
      Is_Correction__c: flag(),
    },
  },
  Invoice_Line__c: {
    externalId: "Causeway_Key__c",
    fields: {
      Name: text(80),
      Invoice__r: parent(),
      Line_Number__c: number(true),
      Product__c: text(80),
      Description__c: text(255),
      Quantity__c: number(),
      Unit__c: text(20),
      Unit_Price__c: number(),
      Amount__c: number(true),
      Tax__c: number(),
    },
  },
};
