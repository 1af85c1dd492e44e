/**
 * Built-in roles that Causeway assigns, by GUID
 * (https://learn.microsoft.com/azure/role-based-access-control/built-in-roles).
 */
export const roles = {
  serviceBusDataSender: "69a216fc-b8fb-44d8-bc22-1f3c2cd27a39",
  serviceBusDataReceiver: "4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0",
  /** The Functions host creates containers and sets leases in them: Contributor is not enough. */
  storageBlobDataOwner: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  storageBlobDataContributor: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
  storageTableDataContributor: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
  keyVaultSecretsUser: "4633458b-17de-408a-b874-0445c86b69e6",
  monitoringMetricsPublisher: "3913510d-42f4-4e42-8a64-420c390055eb",
  /**
   * Communication and Email Service Owner: the only built-in role that may send mail with a token.
   * It holds more than that; `mail.senderRoleId` names a custom role for those who have one.
   */
  communicationOwner: "09976791-48a7-449e-bb21-39d1a415f350",
} as const;

export type RoleId = string;
