import { TableClient, TableServiceClient } from "@azure/data-tables";
import { ServiceBusClient } from "@azure/service-bus";
import { gunzipSync } from "node:zlib";
import type { Environment } from "../../local/environment.ts";

/** The systems as an outsider sees them: by the addresses and the sign-in of environment.json alone. */
export interface JourneyWorld {
  readonly consoleUrl: string;
  readonly environment: Environment;
  post(request: object): Promise<Posted>;
  resend(request: {
    readonly eventId: string;
    readonly newEventId?: boolean;
    readonly door?: string;
  }): Promise<{ readonly eventId: string }>;
  /** Ids of the endpoint test event, sent to every endpoint. */
  sendTestEvent(): Promise<TestEvent>;
  changeInvoice(company: string, number: string, columns: object): Promise<void>;
  /** In which companies F&O's business events are active, at every endpoint; null for all. */
  setActiveCompanies(companies: readonly string[] | null): Promise<void>;
  /** A timer function, now. */
  runTimer(name: string): Promise<void>;
  addAccount(accountnumber: string, name: string): Promise<void>;
  /** null ends it. */
  setFault(system: "finance" | "dataverse" | "crm" | "mail", fault: object | null): Promise<void>;
  /** Posts to the HTTPS door; with its key and as JSON when nothing else is said. */
  knock(body: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  sendToQueue(body: string): Promise<void>;
  /** Messages of the queue and of every subscription, locked and scheduled ones too, that mention the text. */
  underWay(text: string): Promise<number>;
  ceInvoices(number: string): Promise<readonly CeInvoice[]>;
  crmInvoices(number: string): Promise<readonly CrmInvoice[]>;
  /** Mails whose subject names the number; tests take numbers that are not part of another. */
  mails(number: string): Promise<readonly Mail[]>;
  /** How often each target holds the document. */
  effects(number: string): Promise<Readonly<Record<"ce" | "crm" | "email", number>>>;
  ledger(eventId: string): Promise<Readonly<Record<string, LedgerRow>>>;
  /** State by target of one event, "intake" among them. */
  states(eventId: string): Promise<Readonly<Record<string, string>>>;
  failures(): Promise<readonly FailureRow[]>;
  close(): Promise<void>;
}

export interface Posted {
  readonly number: string;
  readonly eventId: string;
}

export interface TestEvent {
  readonly eventId: string;
  readonly sendings: readonly { readonly endpoint: string; readonly state: string }[];
}

export interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: unknown;
}

export interface CeInvoice {
  readonly invoicenumber: string;
  readonly cwy_total: number;
  readonly cwy_tax: number;
  readonly invoice_details: readonly CeLine[];
}

export interface CeLine {
  readonly lineitemnumber: number;
  readonly productdescription: string;
  readonly quantity: number;
  readonly cwy_amount: number;
  readonly cwy_tax: number;
}

export interface CrmInvoice {
  readonly Name: string;
  readonly Company__c: string;
  readonly Currency__c: string;
  readonly Total__c: number;
  readonly Tax__c: number;
}

export interface Mail {
  readonly to: readonly string[];
  readonly subject: string;
  readonly html: string;
  readonly text: string;
}

export interface LedgerRow {
  readonly state: string;
  readonly code: string;
  readonly attempts: number;
  readonly waits: string;
  readonly missing: string;
  readonly dueAt: string;
  readonly reference: string;
}

export interface FailureRow {
  readonly failureId: string;
  readonly code: string;
  readonly reason: string;
  readonly owner: string;
  readonly fixIn: string;
  readonly stage: string;
  readonly target: string;
  readonly status: string;
  readonly eventId: string;
  /** As it was found. */
  readonly body: string;
}

const insecure = { allowInsecureConnection: true };

export function connectJourneyWorld(environment: Environment): JourneyWorld {
  const { finance, dataverse, crm, mail, functions } = environment;
  const bus = new ServiceBusClient(environment.serviceBus.connectionString);
  const tables = environment.storage.connectionString;
  const baseUrls = { finance, dataverse, crm, mail };
  let token: Promise<string> | undefined;
  const sim = (path: string, init?: RequestInit): Promise<unknown> =>
    call(`${finance.baseUrl}/sim/${path}`, init);

  const ceInvoices = async (number: string): Promise<readonly CeInvoice[]> => {
    token ??= signIn(environment, dataverse.baseUrl);
    const query = new URLSearchParams({
      $filter: `invoicenumber eq '${number.replaceAll("'", "''")}'`,
      $select: "invoicenumber,cwy_total,cwy_tax",
      $expand:
        "invoice_details($select=lineitemnumber,productdescription,quantity,cwy_amount,cwy_tax)",
    });
    const answer = await call(`${dataverse.baseUrl}/api/data/v9.2/invoices?${query.toString()}`, {
      headers: { authorization: `Bearer ${await token}` },
    });
    return (answer as { readonly value: readonly CeInvoice[] }).value;
  };
  const crmInvoices = async (number: string): Promise<readonly CrmInvoice[]> => {
    const all = (await call(`${crm.baseUrl}/sim/records/Invoice__c`)) as readonly CrmInvoice[];
    return all.filter(({ Name }) => Name === number);
  };
  const mails = async (number: string): Promise<readonly Mail[]> => {
    const all = (await call(`${mail.baseUrl}/messages`)) as readonly Mail[];
    return all.filter(({ subject }) => subject.includes(number));
  };
  const ledger = (eventId: string): Promise<Readonly<Record<string, LedgerRow>>> =>
    readLedger(tables, eventId.toLowerCase());

  return {
    consoleUrl: environment.console.url,
    environment,
    post: async (request) => (await sim("post-invoice", json("POST", request))) as Posted,
    resend: async (request) =>
      (await sim("resend", json("POST", request))) as { readonly eventId: string },
    sendTestEvent: async () => (await sim("test-event", json("POST", {}))) as TestEvent,
    changeInvoice: async (company, number, columns) => {
      await sim(`invoices/${company}/${encodeURIComponent(number)}`, json("PATCH", columns));
    },
    setActiveCompanies: async (legalEntities) => {
      const endpoints = (await sim("endpoints")) as readonly { readonly name: string }[];
      for (const { name } of endpoints) {
        await sim(`endpoints/${encodeURIComponent(name)}`, json("PATCH", { legalEntities }));
      }
    },
    runTimer: async (name) => {
      const url = `${functions.baseUrl.replace("https:", "http:")}/admin/functions/${name}`;
      const headers = { "x-functions-key": functions.masterKey };
      const { status } = await fetch(url, { method: "POST", headers });
      if (status !== 202) throw new Error(`${name} was not run: ${status}`);
    },
    addAccount: async (accountnumber, name) => {
      await call(`${dataverse.baseUrl}/sim/accounts`, json("POST", { accountnumber, name }));
    },
    setFault: async (system, fault) => {
      const init = fault === null ? { method: "DELETE" } : json("PUT", fault);
      await call(`${baseUrls[system].baseUrl}/sim/faults`, init);
    },
    knock: async (body, headers = {}) => {
      const response = await fetch(
        `${functions.baseUrl.replace("https:", "http:")}/api/business-events`,
        {
          method: "POST",
          headers: {
            "content-type": "application/json",
            "x-functions-key": functions.key,
            ...headers,
          },
          body,
        },
      );
      const text = await response.text();
      const contentType = response.headers.get("content-type");
      return { status: response.status, contentType, body: text === "" ? "" : JSON.parse(text) };
    },
    sendToQueue: async (body) => {
      const sender = bus.createSender("business-events");
      await sender.sendMessages({ body: Buffer.from(body, "utf8") });
      await sender.close();
    },
    underWay: async (text) => {
      // A client peeks on from where it ended the last time: a new one sees everything.
      const fresh = new ServiceBusClient(environment.serviceBus.connectionString);
      try {
        return await countMessages(fresh, text);
      } finally {
        await fresh.close();
      }
    },
    ceInvoices,
    crmInvoices,
    mails,
    effects: async (number) => ({
      ce: (await ceInvoices(number)).length,
      crm: (await crmInvoices(number)).length,
      email: (await mails(number)).length,
    }),
    ledger,
    states: async (eventId) =>
      Object.fromEntries(
        Object.entries(await ledger(eventId)).map(([target, { state }]) => [target, state]),
      ),
    failures: () => readFailures(tables),
    close: () => bus.close(),
  };
}

async function readLedger(
  connectionString: string,
  eventId: string,
): Promise<Readonly<Record<string, LedgerRow>>> {
  const service = TableServiceClient.fromConnectionString(connectionString, insecure);
  const rows: Record<string, LedgerRow> = {};
  for await (const { name } of service.listTables()) {
    if (name?.startsWith("ledger") !== true) continue;
    const table = TableClient.fromConnectionString(connectionString, name, insecure);
    const filter = `eventId eq '${eventId}'`;
    for await (const row of table.listEntities<LedgerRow & { readonly target: string }>({
      queryOptions: { filter },
    })) {
      rows[row.target] = row;
    }
  }
  return rows;
}

async function readFailures(connectionString: string): Promise<readonly FailureRow[]> {
  const table = TableClient.fromConnectionString(connectionString, "failures", insecure);
  const found: FailureRow[] = [];
  for await (const row of table.listEntities<FailureRow & { readonly body0?: Uint8Array }>()) {
    const { body0 = new Uint8Array(), partitionKey: target = "", rowKey = "" } = row;
    // The other rows of the table are for finding these.
    if (!rowKey.startsWith("f|")) continue;
    found.push({
      ...row,
      failureId: rowKey.slice(2),
      target,
      body: body0.length === 0 ? "" : gunzipSync(body0).toString("utf8"),
    });
  }
  return found;
}

const entities = [
  ["business-events"],
  ["integration-events", "ce"],
  ["integration-events", "crm"],
  ["integration-events", "email"],
  ["dead-letters"],
] as const;

async function countMessages(bus: ServiceBusClient, text: string): Promise<number> {
  const counts = await Promise.all(
    entities.map(async ([entity, subscription]) => {
      const receiver =
        subscription === undefined
          ? bus.createReceiver(entity)
          : bus.createReceiver(entity, subscription);
      const messages = await receiver.peekMessages(250);
      await receiver.close();
      return messages.filter(({ body }) => toText(body).includes(text)).length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

function toText(body: unknown): string {
  if (body instanceof Uint8Array) return Buffer.from(body).toString("utf8");
  return typeof body === "string" ? body : JSON.stringify(body);
}

async function signIn({ identity }: Environment, audience: string): Promise<string> {
  const answer = (await call(`${identity.baseUrl}/${identity.tenantId}/oauth2/v2.0/token`, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_id: identity.clientId,
      client_secret: identity.clientSecret,
      scope: `${audience}/.default`,
    }),
  })) as { readonly access_token: string };
  return answer.access_token;
}

async function call(url: string, init: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) {
    throw new Error(
      `${init.method ?? "GET"} ${url} answered ${response.status}: ${text.slice(0, 300)}`,
    );
  }
  return text === "" ? undefined : (JSON.parse(text) as unknown);
}

function json(method: string, body: object): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}
