import * as pulumi from "@pulumi/pulumi";
import type { Foundation } from "./foundation.ts";
import { grantOwnerNotices } from "./grants.ts";
import type { Workflows } from "./workflows.ts";

const SECRET_NAME = "owner-webhooks";

export interface OwnerNotices {
  /** Settings of the function app. */
  readonly settings: Readonly<Record<string, pulumi.Input<string>>>;
  /** Grants and private ways that have to be there before the settings. */
  readonly needs: readonly pulumi.Resource[];
}

/** Everything with which the function app tells the owners of failures, by webhook and by mail. */
export function prepareOwnerNotices(
  foundation: Foundation,
  { mail }: Pick<Workflows, "mail">,
): OwnerNotices {
  const { appVault, config, identities, network } = foundation;
  const { ownerEmails, ownerWebhooks } = config;
  const mailsOwners = Object.values(ownerEmails).some((addresses) => addresses.length > 0);
  const service = mailsOwners ? mail : undefined;
  // Whoever has a webhook's address can post to the channel: as secret as a password.
  const secret =
    ownerWebhooks === undefined
      ? undefined
      : appVault.addSecret(SECRET_NAME, ownerWebhooks, { contentType: "application/json" });
  const roles = grantOwnerNotices(
    identities.of("functions"),
    {
      secretId: secret?.id,
      mailServiceId: service?.serviceId,
      mailRoleId: config.mail.senderRoleId,
    },
    identities,
  );
  // A private stack's vault lets nobody in from outside; without a reader in the network it needs no way.
  const ways =
    secret === undefined || network === undefined
      ? []
      : [network.addEndpoint("vault", appVault.vaultId)];
  return {
    settings: {
      ...(secret === undefined
        ? {}
        : {
            // Without a version: Azure looks for a newer one within a day, or when settings change. Put
            // together here, because what a secret resource answers is secret too, and so all settings.
            CAUSEWAY_OWNER_WEBHOOKS: pulumi.interpolate`@Microsoft.KeyVault(SecretUri=${appVault.vaultUri}secrets/${SECRET_NAME})`,
          }),
      ...(service === undefined
        ? {}
        : {
            CAUSEWAY_OWNER_MAIL: pulumi.jsonStringify({
              endpoint: service.endpoint,
              apiVersion: config.mail.apiVersion,
              sender: pulumi.interpolate`DoNotReply@${service.senderDomain}`,
              to: ownerEmails,
            }),
          }),
    },
    needs: [...(secret === undefined ? [] : [secret]), ...roles, ...ways],
  };
}
