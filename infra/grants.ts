import type * as pulumi from "@pulumi/pulumi";
import type { Identity } from "./components/identities.ts";
import type { Messaging } from "./components/messaging.ts";
import type { Monitoring } from "./components/monitoring.ts";
import { assignRole } from "./components/role-assignment.ts";
import type { Storage } from "./components/storage.ts";
import { roles, type RoleId } from "./roles.ts";
import { BUSINESS_EVENTS, DEAD_LETTERS, containers } from "./topology.ts";

/** Everything that the function app's identity may do. */
export function grantFunctionApp(
  identity: Identity,
  to: {
    readonly messaging: Messaging;
    readonly storage: Storage;
    readonly monitoring: Monitoring;
  },
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const { messaging, monitoring, storage } = to;
  const grant = granter("functions", identity, parent);
  return [
    grant("reads-business-events", roles.serviceBusDataReceiver, queue(messaging, BUSINESS_EVENTS)),
    grant("reads-dead-letters", roles.serviceBusDataReceiver, queue(messaging, DEAD_LETTERS)),
    // On the subscription and not on the topic: the host looks for the right at exactly that scope.
    ...Object.entries(messaging.subscriptionIds).map(([target, id]) =>
      grant(`reads-${target}`, roles.serviceBusDataReceiver, id),
    ),
    grant("sends-business-events", roles.serviceBusDataSender, queue(messaging, BUSINESS_EVENTS)),
    grant("sends-dead-letters", roles.serviceBusDataSender, queue(messaging, DEAD_LETTERS)),
    grant("sends-integration-events", roles.serviceBusDataSender, messaging.topicId),
    // The whole account: the host makes its own containers, the ledger a table per month.
    grant("owns-blobs", roles.storageBlobDataOwner, storage.accountId),
    grant("writes-tables", roles.storageTableDataContributor, storage.accountId),
    grant("sends-telemetry", roles.monitoringMetricsPublisher, monitoring.applicationInsightsId),
  ];
}

/** Everything that the Event Grid topics' identity may do. */
export function grantEventGrid(
  identity: Identity,
  to: { readonly messaging: Messaging; readonly storage: Storage },
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const grant = granter("event-grid", identity, parent);
  const container = to.storage.containerIds[containers.eventGridDeadLetters];
  if (container === undefined)
    throw new Error("There is no container for Event Grid's dead letters.");
  return [
    grant("sends", roles.serviceBusDataSender, queue(to.messaging, BUSINESS_EVENTS)),
    grant("keeps-dead-letters", roles.storageBlobDataContributor, container),
  ];
}

/** The CRM workflow reads one secret. */
export function grantCrmWorkflow(
  identity: Identity,
  secretId: pulumi.Input<string>,
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  return [granter("crm", identity, parent)("reads-secret", roles.keyVaultSecretsUser, secretId)];
}

/** The mail workflow sends through one Communication Service. */
export function grantMailWorkflow(
  identity: Identity,
  to: { readonly serviceId: pulumi.Input<string>; readonly roleId: RoleId | undefined },
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const role = to.roleId ?? roles.communicationOwner;
  return [granter("email", identity, parent)("sends-mail", role, to.serviceId)];
}

/** The function app reads one secret and sends one kind of mail: notices to the owners of failures. */
export function grantOwnerNotices(
  identity: Identity,
  to: {
    readonly secretId: pulumi.Input<string> | undefined;
    readonly mailServiceId: pulumi.Input<string> | undefined;
    readonly mailRoleId: RoleId | undefined;
  },
  parent: pulumi.Resource,
): readonly pulumi.Resource[] {
  const grant = granter("functions", identity, parent);
  return [
    ...(to.secretId === undefined
      ? []
      : [grant("reads-owner-webhooks", roles.keyVaultSecretsUser, to.secretId)]),
    ...(to.mailServiceId === undefined
      ? []
      : [grant("mails-owners", to.mailRoleId ?? roles.communicationOwner, to.mailServiceId)]),
  ];
}

function granter(holder: string, identity: Identity, parent: pulumi.Resource) {
  return (what: string, role: RoleId, scope: pulumi.Input<string>): pulumi.Resource =>
    assignRole(
      `${holder}-${what}`,
      {
        principalId: identity.principalId,
        role,
        scope,
        description: `${holder} ${what.replaceAll("-", " ")}`,
      },
      parent,
    );
}

function queue(messaging: Messaging, name: string): pulumi.Output<string> {
  const id = messaging.queueIds[name];
  if (id === undefined) throw new Error(`There is no queue ${name}.`);
  return id;
}
