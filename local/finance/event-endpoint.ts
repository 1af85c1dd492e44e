import type { RaisedEvent } from "./business-event.ts";

/** Where F&O sends business events, as its endpoint form has it. */
export type EventEndpoint = EventGridEndpoint | ServiceBusEndpoint | HttpsEndpoint;
export type Door = EventEndpoint["type"];

interface EndpointBase {
  readonly name: string;
  /** Companies whose events go there; all when left out. */
  readonly legalEntities?: readonly string[] | undefined;
}

/**
 * Secrets stand in a key vault that F&O reads: each endpoint names its vault and secret. For trying things
 * out, the secret's value may be given instead.
 */
interface VaultSecret {
  readonly keyVaultUrl?: string;
  readonly secretName?: string;
}

export interface EventGridEndpoint extends EndpointBase, VaultSecret {
  readonly type: "eventGrid";
  /** The topic's endpoint, `…/api/events`. */
  readonly url: string;
  readonly key?: string;
  /** F&O's own strings are documented nowhere: the BusinessEventId when left out. */
  readonly eventType?: string;
  readonly subject?: string;
  /** F&O's parameter "send object in data field": off by default, data is a JSON string then. */
  readonly dataAsObject?: boolean;
}

interface ServiceBusEndpoint extends EndpointBase, VaultSecret {
  readonly type: "serviceBus";
  readonly queue: string;
  readonly connectionString?: string;
}

interface HttpsEndpoint extends EndpointBase, VaultSecret {
  readonly type: "https";
  /** The whole address, key and all, is the secret. */
  readonly url?: string;
}

/** One try over a transport; rejects when the receiver did not take it. */
export interface EventSenders {
  eventGrid(endpoint: EventGridEndpoint, key: string, event: RaisedEvent): Promise<void>;
  serviceBus(
    endpoint: ServiceBusEndpoint,
    connectionString: string,
    event: RaisedEvent,
  ): Promise<void>;
  https(endpoint: HttpsEndpoint, url: string, event: RaisedEvent): Promise<void>;
}

/** The secret that an endpoint carries itself, for endpoints without a vault. */
export function inlineSecret(endpoint: EventEndpoint): string | undefined {
  if (endpoint.type === "eventGrid") return endpoint.key;
  return endpoint.type === "serviceBus" ? endpoint.connectionString : endpoint.url;
}
