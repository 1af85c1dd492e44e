import type { DesiredColumn, DesiredKey, view } from "./desired-state.ts";

/** English; CE shows it until somebody translates the labels. */
const languageCode = 1033;

const label = (text: string): Record<string, unknown> => ({
  "@odata.type": "Microsoft.Dynamics.CRM.Label",
  LocalizedLabels: [
    {
      "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
      Label: text,
      LanguageCode: languageCode,
    },
  ],
});

/** Attribute metadata as the Web API takes it. */
export function toAttribute(column: DesiredColumn): Record<string, unknown> {
  const common = {
    SchemaName: column.name,
    LogicalName: column.name,
    DisplayName: label(column.label),
    RequiredLevel: { Value: "None" },
  };
  switch (column.kind) {
    case "text":
      return {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        ...common,
        // An effect key is 36 characters, a line's key adds its number.
        MaxLength: 100,
        FormatName: { Value: "Text" },
      };
    case "dateTime":
      return {
        "@odata.type": "Microsoft.Dynamics.CRM.DateTimeAttributeMetadata",
        ...common,
        Format: "DateAndTime",
        DateTimeBehavior: { Value: "UserLocal" },
      };
    case "money":
      return {
        "@odata.type": "Microsoft.Dynamics.CRM.MoneyAttributeMetadata",
        ...common,
        // 0 = the column's own precision. With the currency's, a currency that CE keeps with fewer
        // decimals than F&O (KWD with two) would lose digits in the very columns that hold the truth.
        PrecisionSource: 0,
        Precision: 4,
        MinValue: -922_337_203_685_477,
        MaxValue: 922_337_203_685_477,
      };
  }
}

export function toKey(key: DesiredKey): Record<string, unknown> {
  return {
    SchemaName: key.name,
    DisplayName: label(key.label),
    KeyAttributes: key.columns,
  };
}

/** A public view (querytype 0) with its columns in order, newest first. */
export function toView(wanted: typeof view): Record<string, unknown> {
  const attributes = wanted.columns.map((name) => `<attribute name="${name}"/>`).join("");
  const cells = wanted.columns.map((name) => `<cell name="${name}" width="150"/>`).join("");
  return {
    name: wanted.name,
    returnedtypecode: wanted.table,
    querytype: 0,
    fetchxml: `<fetch version="1.0"><entity name="${wanted.table}">${attributes}<order attribute="cwy_syncedon" descending="true"/><filter><condition attribute="cwy_key" operator="not-null"/></filter></entity></fetch>`,
    layoutxml: `<grid name="resultset" object="1090" jump="name" select="1" preview="1" icon="1"><row name="result" id="${wanted.table}id">${cells}</row></grid>`,
  };
}
