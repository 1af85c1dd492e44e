import { every, everyInProduction, has, isDoor, read, type PolicyRule } from "./policy-rule.ts";

const psRule = (name: string): string =>
  `https://azure.github.io/PSRule.Rules.Azure/en/rules/${name}/`;
const STORAGE_GUIDE =
  "https://learn.microsoft.com/azure/well-architected/service-guides/azure-blob-storage";
const ACCOUNT = "storage:StorageAccount";
const VAULT = "keyvault:Vault";

export const dataRules: readonly PolicyRule[] = [
  {
    number: 13,
    name: "storage-no-anonymous",
    reason: "A container opened by mistake is found by strangers within hours.",
    link: psRule("Azure.Storage.BlobPublicAccess"),
    check: (stack) => [
      ...every(ACCOUNT, "lets containers be public", has("allowBlobPublicAccess", false))(stack),
      ...every("storage:BlobContainer", "is public", has("publicAccess", "None"))(stack),
    ],
  },
  {
    number: 14,
    name: "storage-https-only",
    reason: "Invoices do not travel in clear.",
    link: psRule("Azure.Storage.SecureTransfer"),
    check: every(ACCOUNT, "takes http", has("enableHttpsTrafficOnly", true)),
  },
  {
    number: 15,
    name: "storage-tls",
    reason: "Older TLS is broken.",
    link: psRule("Azure.Storage.MinTLS"),
    check: every(ACCOUNT, "takes TLS below 1.2", has("minimumTlsVersion", "TLS1_2")),
  },
  {
    number: 16,
    name: "storage-shared-key-off",
    reason: "The account's key passes every role and every log.",
    link: STORAGE_GUIDE,
    check: every(
      ACCOUNT,
      "takes the account's key",
      (props) =>
        props["allowSharedKeyAccess"] === false && props["defaultToOAuthAuthentication"] === true,
    ),
  },
  {
    number: 17,
    name: "storage-firewall",
    reason: "In production only our network and Azure's own services come in.",
    link: psRule("Azure.Storage.Firewall"),
    check: everyInProduction(
      ACCOUNT,
      "is open to every network",
      (props) =>
        read(props, "networkRuleSet.defaultAction") === "Deny" &&
        read(props, "networkRuleSet.bypass") === "AzureServices",
    ),
  },
  {
    number: 18,
    name: "storage-soft-delete",
    reason: "What was deleted by mistake comes back for two weeks.",
    link: psRule("Azure.Storage.SoftDelete"),
    check: (stack) => [
      ...every(
        "storage:BlobServiceProperties",
        "has no soft delete for blobs and containers",
        (props) =>
          read(props, "deleteRetentionPolicy.enabled") === true &&
          read(props, "containerDeleteRetentionPolicy.enabled") === true,
      )(stack),
      ...(stack.of("storage:BlobServiceProperties").length < stack.of(ACCOUNT).length
        ? ["an account has no soft delete"]
        : []),
    ],
  },
  {
    number: 19,
    name: "storage-redundancy",
    reason: "The ledger outlives the loss of a data centre.",
    link: psRule("Azure.Storage.UseReplication"),
    check: everyInProduction(ACCOUNT, "is kept in one place", (props) =>
      /ZRS|GRS/.test(String(read(props, "sku.name"))),
    ),
  },
  {
    number: 20,
    name: "storage-no-side-doors",
    reason: "No copies to other tenants, no local users, no signatures without an end.",
    link: STORAGE_GUIDE,
    check: every(
      ACCOUNT,
      "allows cross-tenant copies, local users or endless signatures",
      (props) =>
        props["allowCrossTenantReplication"] === false &&
        props["isLocalUserEnabled"] === false &&
        read(props, "sasPolicy.sasExpirationPeriod") !== undefined,
    ),
  },
  {
    number: 21,
    name: "storage-defender",
    reason: "Somebody should notice when data leaves in an unusual way.",
    link: psRule("Azure.Storage.DefenderCloud"),
    check: (stack) =>
      stack.isProduction &&
      !stack
        .of("security:DefenderForStorage")
        .some(({ props }) => read(props, "properties.isEnabled") === true)
        ? stack.of(ACCOUNT).map(({ name }) => `${name} is not watched by Defender`)
        : [],
  },
  {
    number: 22,
    name: "vault-roles",
    reason: "Access policies are a second set of rights beside roles.",
    link: psRule("Azure.KeyVault.RBAC"),
    check: every(
      VAULT,
      "uses access policies",
      (props) =>
        read(props, "properties.enableRbacAuthorization") === true &&
        read(props, "properties.accessPolicies.0") === undefined,
    ),
  },
  {
    number: 23,
    name: "vault-keeps-deleted",
    reason: "A secret that was deleted, by mistake or not, can be brought back.",
    link: psRule("Azure.KeyVault.PurgeProtect"),
    check: every(VAULT, "lets secrets be purged", (props) => {
      const days = Number(read(props, "properties.softDeleteRetentionInDays"));
      return (
        read(props, "properties.enableSoftDelete") === true &&
        read(props, "properties.enablePurgeProtection") === true &&
        days >= 7 &&
        days <= 90
      );
    }),
  },
  {
    number: 24,
    name: "vault-firewall",
    reason: "Only a door's vault is read from the internet, by F&O.",
    link: psRule("Azure.KeyVault.Firewall"),
    check: everyInProduction(
      VAULT,
      "is open to every network and is no door's",
      (props, vault) =>
        isDoor(vault) || read(props, "properties.networkAcls.defaultAction") === "Deny",
    ),
  },
  {
    number: 25,
    name: "vault-logs-and-renewal",
    reason: "Who read a secret is known, and an old one is noticed before it ends.",
    link: psRule("Azure.KeyVault.Logs"),
    check: (stack) => {
      const logged = stack
        .of("monitor:DiagnosticSetting")
        .map(({ props }) => String(props["resourceUri"]));
      const watched = stack.of("eventgrid:SystemTopic").map(({ props }) => String(props["source"]));
      return stack
        .of(VAULT)
        .filter(({ props }) => {
          const end = `/vaults/${String(props["vaultName"])}`;
          return !(
            logged.some((uri) => uri.endsWith(end)) && watched.some((uri) => uri.endsWith(end))
          );
        })
        .map(({ name }) => `${name} has no log, or nobody hears of secrets that end`);
    },
  },
];
