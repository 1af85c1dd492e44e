import { randomUUID } from "node:crypto";
import type { Database } from "./database.ts";
import { lookupTableAnnotation } from "./read-payload.ts";
import type { DataverseShape } from "./table-metadata.ts";
import type { Row } from "./table-store.ts";

const currencies = [
  ["USD", "US Dollar", "$", 2],
  ["GBP", "Pound Sterling", "£", 2],
  ["EUR", "Euro", "€", 2],
  ["JPY", "Yen", "¥", 0],
  ["KWD", "Kuwaiti Dinar", "KD", 3],
] as const;

const companies = [
  ["usmf", "Contoso Entertainment System USA"],
  ["gbsi", "Contoso Solutions UK"],
  ["demf", "Contoso Entertainment System Germany"],
  ["jpmf", "Contoso Entertainment System Japan"],
] as const;

/** Northwind Parts (usmf US-003) is missing on purpose: its invoice waits until somebody adds it. */
const accounts = [
  ["usmf", "US-001", "Contoso Retail", "ap@contoso-retail.example"],
  ["usmf", "US-002", "Fabrikam Supplies", null],
  ["gbsi", "GB-001", "Wide World Importers", "ledger@wwi.example"],
  ["demf", "DE-001", "Litware Handels GmbH", "rechnung@litware.example"],
  ["jpmf", "JP-001", "Tailspin Trading KK", "keiri@tailspin.example"],
] as const;

const products = [
  ["D0001", "Mid-range speaker"],
  ["D0003", "Standard speaker"],
] as const;

const privilegeVerbs = ["Create", "Read", "Write", "Append", "AppendTo", "Assign", "Delete"];
const privilegeTables = [
  "Account",
  "Contact",
  "Invoice",
  "Product",
  "UoM",
  "TransactionCurrency",
  "Team",
  "User",
];

/** Master data of the local world; returns the default user, who owns it. */
export function seedOrganization(database: Database, shape: DataverseShape): string {
  database.put("businessunit", { businessunitid: randomUUID(), name: "Local" });
  const admin = randomUUID();
  database.put("systemuser", {
    systemuserid: admin,
    fullname: "Local Administrator",
    firstname: "Local",
    lastname: "Administrator",
    internalemailaddress: "sales@contoso.example",
    isdisabled: false,
  });
  for (const [isocurrencycode, currencyname, currencysymbol, currencyprecision] of currencies) {
    database.put("transactioncurrency", {
      transactioncurrencyid: randomUUID(),
      isocurrencycode,
      currencyname,
      currencysymbol,
      currencyprecision,
      exchangerate: 1,
      statecode: 0,
      statuscode: 1,
    });
  }
  const companyIds = seedCompanies(database, shape);
  for (const [company, accountnumber, name, emailaddress1] of accounts) {
    addAccount(database, admin, {
      accountnumber,
      name,
      emailaddress1,
      ...(shape === "dualWrite" ? lookup("msdyn_company", companyIds.get(company)) : {}),
    });
  }
  const unit = database.put("uom", { uomid: randomUUID(), name: "ea", quantity: 1 });
  for (const [productnumber, name] of products) {
    database.put("product", {
      productid: randomUUID(),
      productnumber,
      name,
      quantitydecimal: 2,
      statecode: 0,
      statuscode: 1,
      _defaultuomid_value: String(unit["uomid"]),
      [`_defaultuomid_value${lookupTableAnnotation}`]: "uom",
    });
  }
  seedPrivileges(database);
  return admin;
}

export function addAccount(database: Database, owner: string, values: Row): Row {
  return database.put("account", {
    accountid: randomUUID(),
    customertypecode: 3,
    statecode: 0,
    statuscode: 1,
    _ownerid_value: owner,
    [`_ownerid_value${lookupTableAnnotation}`]: "systemuser",
    ...values,
  });
}

function seedCompanies(database: Database, shape: DataverseShape): ReadonlyMap<string, string> {
  const ids = new Map<string, string>();
  for (const [code, name] of companies) {
    database.put("team", { teamid: randomUUID(), name: code, isdefault: false, teamtype: 0 });
    if (shape !== "dualWrite") continue;
    const id = randomUUID();
    database.put("cdm_company", { cdm_companyid: id, cdm_companycode: code, cdm_name: name });
    ids.set(code, id);
  }
  return ids;
}

function lookup(column: string, id: string | undefined): Row {
  return id === undefined
    ? {}
    : {
        [`_${column}_value`]: id,
        [`_${column}_value${lookupTableAnnotation}`]: "cdm_company",
      };
}

function seedPrivileges(database: Database): void {
  for (const verb of privilegeVerbs) {
    for (const table of privilegeTables) {
      database.put("privilege", { privilegeid: randomUUID(), name: `prv${verb}${table}` });
    }
  }
}
