import type * as pulumi from "@pulumi/pulumi";
import type { DoorConfig, Endpoint } from "../stack-config.ts";
import { BUSINESS_EVENTS } from "../topology.ts";

/** Names of the secrets in a door's vault. */
export const doorSecrets = {
  eventGrid: "event-grid-key",
  serviceBus: "service-bus-connection",
  https: "https-url",
} as const satisfies Readonly<Record<Endpoint, string>>;

/** One form of F&O's "Business events catalog > Endpoints > New": label of the field → what to type. */
export type EndpointForm = Readonly<Record<string, pulumi.Input<string>>>;
export type EndpointForms = Readonly<Partial<Record<Endpoint, EndpointForm>>>;

export interface EndpointFacts {
  readonly vaultUri: pulumi.Input<string>;
  readonly topicEndpoint: pulumi.Input<string> | undefined;
  readonly serviceBusTier: string;
}

/** Labels as in F&O's form (https://learn.microsoft.com/dynamics365/fin-ops-core/dev-itpro/business-events/managing-business-event-endpoints). */
export function toEndpointForms(door: DoorConfig, facts: EndpointFacts): EndpointForms {
  const access = {
    "Azure Active Directory application ID":
      door.keyVaultReader?.clientId ??
      "the client id of F&O's app registration (name it in keyVaultReader of this door)",
    "Azure application secret": "a client secret of that app registration; Causeway never sees it",
    "Azure Key Vault DNS name": facts.vaultUri,
  };
  const forms: Record<Endpoint, EndpointForm> = {
    eventGrid: {
      "Endpoint type": "Azure Event Grid",
      "Endpoint name": `Causeway Event Grid ${door.name}`,
      "Endpoint URL": facts.topicEndpoint ?? "",
      ...access,
      "Azure Key Vault secret name": doorSecrets.eventGrid,
    },
    serviceBus: {
      "Endpoint type": "Azure Service Bus Queue",
      "Endpoint name": `Causeway queue ${door.name}`,
      "Service Bus SKU": facts.serviceBusTier,
      "Queue name": BUSINESS_EVENTS,
      ...access,
      "Azure Key Vault secret name": doorSecrets.serviceBus,
    },
    https: {
      "Endpoint type": "HTTPS",
      "Endpoint name": `Causeway HTTPS ${door.name}`,
      ...access,
      "Azure Key Vault secret name": doorSecrets.https,
    },
  };
  return Object.fromEntries(door.endpoints.map((endpoint) => [endpoint, forms[endpoint]]));
}
