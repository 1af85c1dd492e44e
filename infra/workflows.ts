import type * as pulumi from "@pulumi/pulumi";
import { Communication } from "./components/communication.ts";
import { LogicApp } from "./components/logic-app.ts";
import type { Foundation } from "./foundation.ts";
import { grantCrmWorkflow, grantMailWorkflow } from "./grants.ts";
import { workflowsByTarget } from "./topology.ts";

export interface Workflows {
  /** Access endpoints by target, for the function app. */
  readonly endpoints: Readonly<Record<string, pulumi.Output<string>>>;
  /** Grants that a workflow needs before its first call. */
  readonly roles: readonly pulumi.Resource[];
  /** For alerts: each Logic App by its folder's name. */
  readonly resources: readonly { readonly name: string; readonly id: pulumi.Output<string> }[];
  /** Domain of the mail senders; undefined where no mail is sent. */
  readonly senderDomain: pulumi.Output<string> | undefined;
  /** The mail service itself. */
  readonly mail: MailService | undefined;
}

export interface MailService {
  readonly serviceId: pulumi.Output<string>;
  readonly endpoint: pulumi.Output<string>;
  readonly senderDomain: pulumi.Output<string>;
}

/** Audience of the token that the function app calls workflows with. */
export const WORKFLOW_AUDIENCE = "https://management.azure.com/";

type Parameters = Readonly<Record<string, pulumi.Input<string>>>;

interface Part {
  readonly parameters: Parameters;
  readonly roles: readonly pulumi.Resource[];
  readonly mail?: MailService;
}

/** What each workflow target brings with it: the systems it talks to, and the right to do so. */
const parts: Readonly<Record<string, (foundation: Foundation) => Part>> = {
  crm: createCrmPart,
  email: createMailPart,
};

/** The Logic Apps of all deployed targets that have one. */
export function createWorkflows(foundation: Foundation, logicAppsFolder: string): Workflows {
  const created = foundation.targets.flatMap((target) => {
    const workflow = workflowsByTarget[target];
    const part = workflow === undefined ? undefined : parts[target]?.(foundation);
    if (workflow === undefined || part === undefined) return [];
    const identity = foundation.identities.of(target);
    const logicApp = new LogicApp(workflow, {
      ...foundation.placement,
      workflow,
      logicAppsFolder,
      identity,
      parameters: { identityResourceId: identity.id, ...part.parameters },
      caller: {
        tenantId: foundation.tenantId,
        principalId: foundation.identities.of("functions").principalId,
        audience: WORKFLOW_AUDIENCE,
        address: foundation.network?.outboundAddress,
      },
    });
    return [{ target, workflow, logicApp, part }];
  });
  const mail = created.find(({ part }) => part.mail !== undefined)?.part.mail;
  return {
    endpoints: Object.fromEntries(
      created.map(({ target, logicApp }) => [target, logicApp.accessEndpoint]),
    ),
    resources: created.map(({ logicApp, workflow }) => ({
      name: workflow,
      id: logicApp.workflowId,
    })),
    roles: created.flatMap(({ part }) => part.roles),
    senderDomain: mail?.senderDomain,
    mail,
  };
}

function createCrmPart(foundation: Foundation): Part {
  const { crm, crmClientSecret } = foundation.config;
  if (crm === undefined || crmClientSecret === undefined) {
    throw new Error(
      "The CRM target was deployed without its settings; config-rules.ts lets it by.",
    );
  }
  const { appVault: vault } = foundation;
  const secret = vault.addSecret("crm-client-secret", crmClientSecret, {
    contentType: "CRM client secret",
    expiresOn: crm.secretExpiresOn,
  });
  return {
    parameters: {
      crmBaseUrl: crm.baseUrl,
      crmTokenUrl: crm.tokenUrl,
      crmClientId: crm.clientId,
      // Without a version: a new secret counts from the next call on.
      crmClientSecretUri: secret.properties.secretUri,
      crmApiVersion: crm.apiVersion,
    },
    roles: grantCrmWorkflow(foundation.identities.of("crm"), secret.id, vault),
  };
}

function createMailPart(foundation: Foundation): Part {
  const { mail } = foundation.config;
  const communication = new Communication("communication", { ...foundation.placement, mail });
  return {
    parameters: { acsEndpoint: communication.endpoint, acsApiVersion: mail.apiVersion },
    roles: grantMailWorkflow(
      foundation.identities.of("email"),
      { serviceId: communication.serviceId, roleId: mail.senderRoleId },
      communication,
    ),
    mail: communication,
  };
}
