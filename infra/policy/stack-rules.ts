import { every, read, type PolicyResource, type PolicyRule } from "./policy-rule.ts";

const psRule = (name: string): string =>
  `https://azure.github.io/PSRule.Rules.Azure/en/rules/${name}/`;
const GOVERNANCE =
  "https://learn.microsoft.com/azure/well-architected/operational-excellence/observability";

/** Types with logs of their own, and what the id of one ends in. */
const logged: Readonly<Record<string, (props: PolicyResource["props"]) => string>> = {
  "servicebus:Namespace": (props) => `/namespaces/${String(props["namespaceName"])}`,
  "eventgrid:Topic": (props) => `/topics/${String(props["topicName"])}`,
  "eventgrid:SystemTopic": (props) => `/systemTopics/${String(props["systemTopicName"])}`,
  "keyvault:Vault": (props) => `/vaults/${String(props["vaultName"])}`,
  "web:WebApp": (props) => `/sites/${String(props["name"])}`,
  "logic:Workflow": (props) => `/workflows/${String(props["workflowName"])}`,
  "communication:CommunicationService": (props) =>
    `/communicationServices/${String(props["communicationServiceName"])}`,
  "operationalinsights:Workspace": (props) => `/workspaces/${String(props["workspaceName"])}`,
  "network:VirtualNetwork": (props) => `/virtualNetworks/${String(props["virtualNetworkName"])}`,
  "network:NetworkSecurityGroup": (props) =>
    `/networkSecurityGroups/${String(props["networkSecurityGroupName"])}`,
  "network:PublicIPAddress": (props) =>
    `/publicIPAddresses/${String(props["publicIpAddressName"])}`,
  "storage:StorageAccount": () => "/tableServices/default",
};

const tagged: readonly string[] = [
  ...Object.keys(logged),
  "resources:ResourceGroup",
  "managedidentity:UserAssignedIdentity",
  "web:AppServicePlan",
  "communication:EmailService",
  "applicationinsights:Component",
  "monitor:ActionGroup",
  "monitor:MetricAlert",
  "monitor:ScheduledQueryRule",
];

/** Whoever holds one of these may give himself the rest. */
const mighty: ReadonlySet<string> = new Set([
  "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  "b24988ac-6180-42a0-ab88-20f7382dd24c",
  "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
]);

const kept: Readonly<Record<string, string>> = {
  "storage:StorageAccount": "storageAccounts",
  "servicebus:Namespace": "namespaces",
  "keyvault:Vault": "vaults",
};

export const stackRules: readonly PolicyRule[] = [
  {
    number: 39,
    name: "diagnostics-everywhere",
    reason: "What happened last night is asked in the morning.",
    link: GOVERNANCE,
    check: (stack) => {
      const uris = stack
        .of("monitor:DiagnosticSetting")
        .map(({ props }) => String(props["resourceUri"]));
      return Object.entries(logged).flatMap(([type, toEnd]) =>
        stack
          .of(type)
          .filter(({ props }) => !uris.some((uri) => uri.endsWith(toEnd(props))))
          .map(({ name }) => `${name} reports nowhere`),
      );
    },
  },
  {
    number: 40,
    name: "tags-and-names",
    reason: "Costs, owners and environments are told apart by tags, resources by their names.",
    link: psRule("Azure.Resource.UseTags"),
    check: (stack) => [
      ...every(
        tagged,
        "lacks the tags application, stack and environment",
        ({ tags }) =>
          read(tags, "application") !== undefined &&
          read(tags, "stack") !== undefined &&
          read(tags, "environment") !== undefined,
      )(stack),
      ...every("resources:ResourceGroup", "has a name of chance", (props) =>
        String(props["resourceGroupName"]).startsWith("rg-"),
      )(stack),
    ],
  },
  {
    number: 41,
    name: "no-secrets-in-clear",
    reason:
      "App settings and workflow parameters are read by everybody who may look at the resource.",
    link: psRule("Azure.Deployment.SecureValue"),
    check: (stack) =>
      ["web:WebApp", "logic:Workflow", "monitor:ActionGroup"].flatMap((type) =>
        stack
          .of(type)
          .filter(({ props }) => SECRET_SHAPE.test(JSON.stringify(props)))
          .map(({ name }) => `${name} has something like a secret in clear`),
      ),
  },
  {
    number: 42,
    name: "roles-small",
    reason: "A role at the group or above holds for what is not there yet.",
    link: psRule("Azure.RBAC.LimitOwner"),
    check: (stack) => [
      ...every("authorization:RoleAssignment", "holds for a whole group or subscription", (props) =>
        /\/providers\//.test(String(props["scope"])),
      )(stack),
      ...every("authorization:RoleAssignment", "gives a role that can give roles", (props) => {
        const id = String(props["roleDefinitionId"]);
        return !mighty.has(id.slice(id.lastIndexOf("/") + 1));
      })(stack),
      ...every("managedidentity:UserAssignedIdentity", "is not named as an identity", (props) =>
        String(props["resourceName"]).startsWith("id-"),
      )(stack),
    ],
  },
  {
    number: 43,
    name: "kept-and-watched",
    reason: "Data survives a wrong command, and Azure's own troubles reach somebody.",
    link: psRule("Azure.Monitor.ServiceHealth"),
    check: (stack) => {
      const locked = stack
        .of("authorization:ManagementLockByScope")
        .map(({ props }) => String(props["scope"]));
      const isHeard = stack
        .of("monitor:ActivityLogAlert")
        .some(({ props }) => JSON.stringify(props["condition"]).includes("ServiceHealth"));
      const free = Object.entries(kept).flatMap(([type, kind]) => {
        const locks = locked.filter((scope) => scope.includes(`/${kind}/`)).length;
        return locks < stack.of(type).length ? [`a ${type} can be deleted`] : [];
      });
      return [
        ...(stack.isProduction ? free : []),
        ...(isHeard ? [] : ["nobody hears of Azure's service health"]),
      ];
    },
  },
];

/** Keys of Azure's services, signatures, and settings whose name says what they are. */
const SECRET_SHAPE =
  /SharedAccessKey=|AccountKey=|[?&]sig=|"name":"[^"]*(password|secret|apikey)[^"]*","value":"(?!@Microsoft\.KeyVault)/i;
