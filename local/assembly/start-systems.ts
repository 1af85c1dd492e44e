import { createCrmApp, type CrmApp } from "../crm/create-crm-app.ts";
import {
  createDataverseApp,
  type DataverseApp,
  type DataverseOptions,
} from "../dataverse/create-dataverse-app.ts";
import { createEventSenders } from "../finance/create-event-senders.ts";
import { createFinanceApp, type FinanceApp } from "../finance/create-finance-app.ts";
import type { FrontDoor } from "../front-door.ts";
import { createMailApp, type MailApp } from "../mail/create-mail-app.ts";
import { startSmtp } from "../mail/start-smtp.ts";
import { registerClient, type Client } from "./identities.ts";
import { openOn } from "./ports.ts";
import type { Base } from "./start-base.ts";
import { toEventEndpoints } from "./to-event-endpoints.ts";

export type DataverseLimits = NonNullable<DataverseOptions["limits"]>;

export interface SystemsInput extends Pick<
  Base,
  "services" | "identity" | "http" | "serve" | "keep" | "ports"
> {
  /** F&O's own app registration: reads the door's vault. */
  readonly financeReader: Client;
  /** Client ids that may read and write everything, for people and tests. */
  readonly outsiders: readonly string[];
  readonly dataverseLimits: DataverseLimits;
  readonly mailQuota: boolean;
}

/** The systems around Azure: F&O, CE, the CRM and the mail service with its inbox. */
export interface Systems {
  readonly finance: FrontDoor;
  readonly dataverse: FrontDoor;
  readonly crm: FrontDoor;
  readonly crmClient: { readonly clientId: string; readonly clientSecret: string };
  readonly mail: FrontDoor;
  readonly mailApp: MailApp;
  readonly financeApp: FinanceApp;
  readonly dataverseApp: DataverseApp;
  readonly crmApp: CrmApp;
  readonly smtpPort: number;
  /** What an administrator of F&O and CE does after a deployment: lets the app in, fills in the endpoint forms. */
  administer(appClientId: string, outputs: Readonly<Record<string, unknown>>): void;
}

export async function startSystems(input: SystemsInput): Promise<Systems> {
  const { services, serve, keep } = input;
  // A system's address is the audience of its tokens, and is known only once its door is open.
  const doors: { finance?: FrontDoor; dataverse?: FrontDoor; crm?: FrontDoor } = {};
  const urlOf = (name: keyof typeof doors) => (): string => doors[name]?.httpUrl ?? "";
  const crmClient = registerClient(input.identity, "crm");
  const finance = createFinance(input, urlOf("finance"));
  const dataverse = createDataverseApp(services, {
    baseUrl: urlOf("dataverse"),
    shape: "sales",
    limits: input.dataverseLimits,
  });
  const { clock, random = Math.random } = services;
  const crm = createCrmApp({ clock, random, ...crmClient, baseUrl: urlOf("crm") });
  const mailApp = createMailApp(services);
  mailApp.configure({ enforceQuota: input.mailQuota });
  const [financeDoor, dataverseDoor, crmDoor, mail, smtp] = await Promise.all([
    serve("finance", (request) => finance.app.fetch(request)),
    serve("dataverse", (request) => dataverse.app.fetch(request)),
    serve("crm", (request) => crm.app.fetch(request)),
    serve("mail", (request) => mailApp.app.fetch(request)),
    openOn("smtp", input.ports, (port) => startSmtp(mailApp.mailbox, port)),
  ]);
  keep(smtp);
  Object.assign(doors, { finance: financeDoor, dataverse: dataverseDoor, crm: crmDoor });
  for (const clientId of input.outsiders) {
    finance.registerApplication(clientId);
    dataverse.registerApplicationUser(clientId);
  }
  return {
    finance: financeDoor,
    dataverse: dataverseDoor,
    crm: crmDoor,
    crmClient,
    mail,
    mailApp,
    financeApp: finance,
    dataverseApp: dataverse,
    crmApp: crm,
    smtpPort: smtp.port,
    administer: (appClientId, outputs) => {
      finance.registerApplication(appClientId);
      // The role that `causeway ce install` made, and nothing else: least privilege is proven on each run.
      dataverse.registerApplicationUser(appClientId, ["Causeway integration"]);
      finance.configureEndpoints(toEventEndpoints(outputs));
    },
  };
}

function createFinance(input: SystemsInput, baseUrl: () => string): FinanceApp {
  const senders = createEventSenders(input.http);
  input.keep(senders);
  return createFinanceApp(input.services, {
    baseUrl,
    senders: {
      ...senders,
      // The door's certificate is the local authority's, which this process does not trust by itself.
      https: async (_endpoint, url, event) => {
        const { statusCode } = await input.http({
          method: "POST",
          uri: url,
          headers: { "content-type": "application/json" },
          body: event.text,
          timeoutMs: 10_000,
        });
        if (statusCode >= 300) throw new Error(`the endpoint answered ${statusCode}`);
      },
    },
    getSecret: (vaultUrl, name) => readSecret(input, vaultUrl, name),
  });
}

/** As F&O does: a token of its own app registration, and then the secret's newest version. */
async function readSecret(input: SystemsInput, vaultUrl: string, name: string): Promise<string> {
  const { token } = await input.identity.issueToken({
    ...input.financeReader,
    audience: "https://vault.azure.net",
  });
  const answer = await input.http({
    method: "GET",
    uri: `${vaultUrl.replace(/\/+$/, "")}/secrets/${name}?api-version=7.4`,
    headers: { authorization: `Bearer ${token}` },
  });
  if (answer.statusCode !== 200) {
    throw new Error(`Key Vault answered ${answer.statusCode} for the secret ${name}`);
  }
  return (JSON.parse(answer.body.toString("utf8")) as { readonly value: string }).value;
}
