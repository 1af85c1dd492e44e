import type { SimulatedClock } from "../../local/clock.ts";
import { createDataverseApp } from "../../local/dataverse/create-dataverse-app.ts";
import type { DataverseApp, DataverseOptions } from "../../local/dataverse/create-dataverse-app.ts";
import { localServices } from "./local-services.ts";

export const dataverseUrl = "https://org.crm.example";

export interface DataverseFixture extends DataverseApp {
  readonly clock: SimulatedClock;
  /** Calls the Web API as the registered application; the path stands behind `/api/data/v9.2/`. */
  readonly call: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly headers: Headers; readonly json: Json }>;
  /** Adds our columns and keys, active, as `causeway ce install` leaves them. */
  install(): Promise<void>;
}

export type Json = Readonly<Record<string, unknown>>;

/** A Dataverse organisation without sockets; the token is the client's id. */
export function createDataverseFixture(options: Partial<DataverseOptions> = {}): DataverseFixture {
  const services = localServices();
  const dataverse = createDataverseApp(services, {
    baseUrl: () => dataverseUrl,
    shape: "sales",
    ...options,
  });
  dataverse.registerApplicationUser("causeway");
  const call: DataverseFixture["call"] = async (method, path, body, headers = {}) => {
    const response = await dataverse.app.request(`${dataverseUrl}/api/data/v9.2/${path}`, {
      method,
      headers: {
        authorization: "Bearer causeway",
        "content-type": "application/json",
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = text.startsWith("{") ? (JSON.parse(text) as Json) : { text };
    return { status: response.status, headers: response.headers, json };
  };
  const install = async (): Promise<void> => {
    for (const [table, columns] of Object.entries(ownColumns)) {
      const definition = `EntityDefinitions(LogicalName='${table}')`;
      for (const [name, type] of columns) {
        await call("POST", `${definition}/Attributes`, columnBody(name, type));
      }
      await call("POST", `${definition}/Keys`, {
        SchemaName: "cwy_key_key",
        KeyAttributes: ["cwy_key"],
      });
    }
    await services.clock.advance(300);
  };
  return { ...dataverse, clock: services.clock, call, install };
}

const ownColumns = {
  invoice: [
    ["cwy_key", "String"],
    ["cwy_syncedon", "DateTime"],
    ["cwy_total", "Money"],
    ["cwy_tax", "Money"],
    ["cwy_charges", "Money"],
    ["cwy_discount", "Money"],
  ],
  invoicedetail: [
    ["cwy_key", "String"],
    ["cwy_amount", "Money"],
    ["cwy_tax", "Money"],
  ],
} as const;

function columnBody(name: string, type: "String" | "DateTime" | "Money"): Json {
  return {
    "@odata.type": `Microsoft.Dynamics.CRM.${type}AttributeMetadata`,
    SchemaName: name,
    DisplayName: { LocalizedLabels: [{ Label: name, LanguageCode: 1033 }] },
    ...(type === "String" ? { MaxLength: 100 } : {}),
    // Decimals of its own: a currency that CE keeps with too few decimals would lose digits.
    ...(type === "Money" ? { Precision: 4, PrecisionSource: 0 } : {}),
  };
}
