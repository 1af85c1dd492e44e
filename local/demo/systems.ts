import type { Environment } from "../environment.ts";
import type { Scenario } from "./scenarios.ts";

/** The simulated systems as an outsider reaches them: addresses and sign-in of environment.json, nothing else. */
export interface Systems {
  postInvoice(post: Scenario["post"]): Promise<PostedInvoice>;
  /** What F&O sends when an endpoint is activated; rejects unless every door acknowledged it. */
  sendTestEvent(): Promise<void>;
  addAccount(account: { readonly accountnumber: string; readonly name: string }): Promise<void>;
  ceInvoices(): Promise<readonly CeInvoice[]>;
  ceLineCount(): Promise<number>;
  crmInvoices(): Promise<readonly CrmInvoice[]>;
  messages(): Promise<readonly MailMessage[]>;
  setFault(
    system: "dataverse" | "crm" | "mail" | "finance",
    fault: object | undefined,
  ): Promise<void>;
}

export interface PostedInvoice {
  readonly legalEntity: string;
  readonly number: string;
  readonly eventId: string;
  readonly businessEventId: string;
}

export interface CeInvoice {
  readonly invoiceid: string;
  readonly invoicenumber: string | null;
  readonly cwy_key: string | null;
  /** Our mapping writes "<kind> <number> of <company>, …" here. */
  readonly description: string | null;
}

export interface CrmInvoice {
  readonly Id: string;
  readonly Name: string;
  readonly Company__c: string;
  readonly Causeway_Key__c: string;
}

export interface MailMessage {
  readonly id: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly operationId: string | null;
}

export function connectSystems(environment: Environment): Systems {
  const { finance, dataverse, crm, mail, identity } = environment;
  const urls = {
    dataverse: dataverse.baseUrl,
    crm: crm.baseUrl,
    mail: mail.baseUrl,
    finance: finance.baseUrl,
  };
  const tokens = new Map<string, Promise<string>>();
  const tokenFor = (audience: string): Promise<string> => {
    const known = tokens.get(audience) ?? signIn(identity, audience);
    tokens.set(audience, known);
    return known;
  };
  const ce = async (path: string): Promise<unknown> =>
    call(`${dataverse.baseUrl}/api/data/v9.2/${path}`, {
      headers: { authorization: `Bearer ${await tokenFor(dataverse.baseUrl)}` },
    });
  return {
    postInvoice: async (post) =>
      (await call(`${finance.baseUrl}/sim/post-invoice`, json("POST", post))) as PostedInvoice,
    sendTestEvent: async () => {
      const { sendings } = (await call(`${finance.baseUrl}/sim/test-event`, json("POST", {}))) as {
        readonly sendings: readonly { readonly endpoint: string; readonly state: string }[];
      };
      const refused = sendings.filter(({ state }) => state !== "sent");
      if (refused.length > 0) {
        throw new Error(
          `the test event was refused by ${refused.map(({ endpoint }) => endpoint).join(", ")}`,
        );
      }
    },
    addAccount: async (account) => {
      await call(`${dataverse.baseUrl}/sim/accounts`, json("POST", account));
    },
    ceInvoices: async () =>
      valuesOf(
        await ce(
          "invoices?$select=invoiceid,invoicenumber,cwy_key,description&$filter=cwy_key ne null",
        ),
      ) as CeInvoice[],
    ceLineCount: async () =>
      valuesOf(await ce("invoicedetails?$select=invoicedetailid&$filter=cwy_key ne null")).length,
    crmInvoices: async () => (await call(`${crm.baseUrl}/sim/records/Invoice__c`)) as CrmInvoice[],
    messages: async () => (await call(`${mail.baseUrl}/messages`)) as MailMessage[],
    setFault: async (system, fault) => {
      await call(
        `${urls[system]}/sim/faults`,
        fault === undefined ? { method: "DELETE" } : json("PUT", fault),
      );
    },
  };
}

async function signIn(identity: Environment["identity"], audience: string): Promise<string> {
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

function json(method: string, body: unknown): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function valuesOf(body: unknown): readonly unknown[] {
  return (body as { readonly value: readonly unknown[] }).value;
}
