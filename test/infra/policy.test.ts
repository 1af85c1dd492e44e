import { beforeAll, describe, expect, it } from "@jest/globals";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { everythingOn } from "./usual-stacks.ts";
import { FUNCTION_KEY, HOST_KEY } from "./fake-cloud.ts";

type Inputs = Readonly<Record<string, unknown>>;

describe.each([
  ["dev", "with every target on", everythingOn],
  ["prod", "as shipped", {}],
  ["prod", "with every target on", everythingOn],
])("profile %s %s", (profile, _state, overrides) => {
  let stack: CapturedStack;

  beforeAll(async () => {
    stack = await captureStack(profile, overrides);
  });

  it("dead-letters on expiration in every queue and subscription", () => {
    const entities = [...stack.of("servicebus:Queue"), ...stack.of("servicebus:Subscription")];

    expect(entities.map(({ inputs }) => inputs["deadLetteringOnMessageExpiration"])).toEqual(
      entities.map(() => true),
    );
  });

  it("forwards native dead letters to dead-letters from everything else", () => {
    const collecting = [...stack.of("servicebus:Queue"), ...stack.of("servicebus:Subscription")]
      .filter(({ inputs }) => inputs["forwardDeadLetteredMessagesTo"] === undefined)
      .map(({ inputs }) => inputs["queueName"]);

    expect(collecting).toEqual(["dead-letters"]);
  });

  it("filters each subscription by its own target alone", () => {
    const filters = stack
      .of("servicebus:DefaultRule")
      .map(({ inputs }) => [inputs["subscriptionName"], inputs["correlationFilter"]]);

    expect(filters).toEqual(
      stack
        .of("servicebus:Subscription")
        .map(({ inputs }) => String(inputs["subscriptionName"]))
        // The SDK adds the second member by itself.
        .map((target) => [
          target,
          { properties: { [`to_${target}`]: "1" }, requiresPreprocessing: true },
        ]),
    );
  });

  it("keeps duplicates out by message id, but not out of dead-letters", () => {
    const windows = stack
      .of("servicebus:Queue")
      .concat(stack.of("servicebus:Topic"))
      .map(({ inputs }) => [
        inputs["queueName"] ?? inputs["topicName"],
        inputs["requiresDuplicateDetection"],
      ]);

    expect(Object.fromEntries(windows)).toEqual({
      "business-events": true,
      "dead-letters": false,
      "integration-events": true,
    });
  });

  it("puts no secret into app settings, outputs or the package command", () => {
    const secrets = [
      "very-secret-crm-value",
      "very-secret-hook",
      FUNCTION_KEY,
      HOST_KEY,
      "SharedAccessKey",
    ];
    const shown = JSON.stringify([
      stack.settings,
      stack.outputs,
      stack.resources.find(({ type }) => type === "command:local:Command")?.inputs,
    ]);

    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    expect(stack.secretOutputs).toEqual([]);
  });

  it("hands every secret to Pulumi as a secret", () => {
    const secrets = stack.of("keyvault:Secret");

    expect(secrets.filter(({ secretInputs }) => !secretInputs.includes("properties"))).toEqual([]);
    expect(stack.resources.filter((one) => one.secretInputs.length > 0)).toEqual(secrets);
  });

  it("lets nobody in with a key but F&O", () => {
    const open = stack.resources
      .filter(({ inputs }) => "disableLocalAuth" in inputs && inputs["disableLocalAuth"] !== true)
      .map(({ name }) => name);
    const keys = stack
      .of("servicebus:QueueAuthorizationRule")
      .map(({ inputs }) => inputs["rights"]);

    expect(open.sort()).toEqual(USES_KEYS[profile]);
    expect(keys).toEqual(SEND_KEYS[profile]);
    expect(stack.one("storage:StorageAccount", "storage-account").inputs).toMatchObject({
      allowSharedKeyAccess: false,
      allowBlobPublicAccess: false,
      minimumTlsVersion: "TLS1_2",
    });
  });

  it("makes the event subscription wait for its identity's roles", () => {
    const [subscription] = stack.of("eventgrid:EventSubscription");
    const roles = stack
      .of("authorization:RoleAssignment")
      .filter(({ name }) => name.startsWith("event-grid-"))
      .map(({ urn }) => urn);

    expect(roles).toHaveLength(2);
    expect(subscription?.dependencies).toEqual(expect.arrayContaining(roles));
  });

  it("sends the code only after roles, rules and tables are there", () => {
    const command = stack.resources.find(({ type }) => type === "command:local:Command");
    const wanted = [
      ...stack.of("servicebus:DefaultRule"),
      ...stack.of("storage:Table"),
      ...stack.of("storage:BlobContainer"),
      ...stack
        .of("authorization:RoleAssignment")
        .filter(({ name }) => !/^(event-grid|door)-/.test(name)),
    ].map(({ urn }) => urn);

    expect(wanted.filter((urn) => !command?.dependencies.includes(urn))).toEqual([]);
  });

  it("reports from every resource that has logs", () => {
    const silent =
      /:(DiagnosticSetting|NamespaceNetworkRuleSet|RoleAssignment|UserAssignedIdentity|Secret|BlobServiceProperties|BlobContainer|Table|Queue|Topic|Subscription|DefaultRule|QueueAuthorizationRule|EventSubscription|ResourceGroup|AppServicePlan|WebAppFtpAllowed|WebAppScmAllowed|Command|Domain|SenderUsername|EmailService|Component|PrivateEndpoint|PrivateDnsZoneGroup|PrivateZone|VirtualNetworkLink|ActionGroup|MetricAlert|ScheduledQueryRule|ActivityLogAlert|Workbook|WebTest|SavedSearch|Budget|ManagementLockByScope|DefenderForStorage|SystemTopicEventSubscription|NatGateway)$/;
    const reporting = stack
      .of("monitor:DiagnosticSetting")
      .map(({ inputs }) => String(inputs["resourceUri"]));
    const mute = stack.resources
      .filter(({ type }) => !silent.test(type) || type === "azure-native:eventgrid:Topic")
      .filter(({ id }) => !reporting.some((uri) => uri === id || uri.startsWith(`${id}/`)))
      .map(({ name }) => name);

    expect(mute).toEqual([]);
  });

  it("tags everything that takes tags", () => {
    const untagged = stack.resources
      .filter(({ type }) => TAGGED.test(type))
      .filter(({ inputs }) => (inputs["tags"] as Inputs | undefined)?.["stack"] !== profile)
      .map(({ name }) => name);

    expect(untagged).toEqual([]);
  });
});

/** In production F&O cannot reach the namespace, so the Event Grid topic alone has keys. */
const USES_KEYS: Readonly<Record<string, readonly string[]>> = {
  dev: ["door-dev-events-topic", "messaging-namespace"],
  prod: ["door-prod-events-topic"],
};
const SEND_KEYS: Readonly<Record<string, readonly unknown[]>> = { dev: [["Send"]], prod: [] };

const TAGGED =
  /:(ResourceGroup|Namespace|StorageAccount|Vault|Secret|UserAssignedIdentity|WebApp|AppServicePlan|Workflow|EmailService|CommunicationService|Workspace|Component|VirtualNetwork|PrivateEndpoint|PrivateZone)$|eventgrid:Topic$/;
