import { defaultRetention } from "../../functions/src/platform/config.ts";
import type { AppConfig } from "../../functions/src/platform/config.ts";

/** A production stack; tests say only what they are about. */
export function appConfig(changes: Partial<AppConfig> = {}): AppConfig {
  return {
    environmentKind: "production",
    productionHosts: ["contoso.operations.dynamics.com"],
    defaultDoor: "main",
    clientId: undefined,
    serviceBusNamespace: "sb-causeway.servicebus.windows.net",
    tableEndpoint: "https://causeway.table.core.windows.net",
    blobEndpoint: "https://causeway.blob.core.windows.net",
    financeUrl: "https://contoso.operations.dynamics.com",
    dataverseUrl: "https://contoso.crm4.dynamics.com",
    workflows: {
      crm: "https://prod-01.westeurope.logic.azure.com/workflows/a",
      email: "https://prod-02.westeurope.logic.azure.com/workflows/b",
    },
    workflowAudience: "https://management.azure.com/",
    targets: {},
    maximumInstanceCount: 10,
    maxMessageBytes: 262_144,
    retention: defaultRetention,
    telemetryConnectionString: undefined,
    ownerWebhooks: {},
    ownerMail: undefined,
    unresolvedSettings: [],
    operator: undefined,
    console: undefined,
    ...changes,
  };
}

/** Every address of the local Azure. */
export const loopbackAddresses = {
  environmentKind: "development",
  productionHosts: [],
  serviceBusNamespace: "localhost:5671",
  tableEndpoint: "http://127.0.0.1:10002/devstoreaccount1",
  blobEndpoint: "http://127.0.0.1:10000/devstoreaccount1",
  financeUrl: "https://localhost:7001",
  dataverseUrl: "https://localhost:7002",
  workflows: {
    crm: "http://127.0.0.1:7010/workflows/a",
    email: "http://127.0.0.1:7010/workflows/b",
  },
} as const satisfies Partial<AppConfig>;
