import {
  every,
  everyInProduction,
  has,
  isDoor,
  isSet,
  read,
  type PolicyRule,
} from "./policy-rule.ts";

const psRule = (name: string): string =>
  `https://azure.github.io/PSRule.Rules.Azure/en/rules/${name}/`;
const EVENT_GRID_GUIDE =
  "https://learn.microsoft.com/azure/well-architected/service-guides/event-grid/reliability";
const SERVICE_BUS_GUIDE =
  "https://learn.microsoft.com/azure/well-architected/service-guides/service-bus/reliability";
const TOPIC = "eventgrid:Topic";
const SUBSCRIPTION = "eventgrid:EventSubscription";
const NAMESPACE = "servicebus:Namespace";

export const messagingRules: readonly PolicyRule[] = [
  {
    number: 1,
    name: "event-grid-keys-off",
    reason: "A key is anybody's who copies it; only F&O cannot do without.",
    link: psRule("Azure.EventGrid.DisableLocalAuth"),
    check: every(
      TOPIC,
      "takes keys and is no door",
      (props, topic) => props["disableLocalAuth"] === true || isDoor(topic),
    ),
  },
  {
    number: 2,
    name: "event-grid-identity",
    reason: "Without an identity a topic delivers with keys.",
    link: psRule("Azure.EventGrid.ManagedIdentity"),
    check: every(TOPIC, "has no managed identity", isSet("identity.type")),
  },
  {
    number: 3,
    name: "event-grid-public-access",
    reason: "What F&O does not have to reach has no place on the internet.",
    link: psRule("Azure.EventGrid.TopicPublicAccess"),
    check: every(
      TOPIC,
      "is public and is no door",
      (props, topic) =>
        isDoor(topic) ||
        props["publicNetworkAccess"] === "Disabled" ||
        read(props, "inboundIpRules.0") !== undefined,
    ),
  },
  {
    number: 4,
    name: "event-grid-tls",
    reason: "Older TLS is broken.",
    link: EVENT_GRID_GUIDE,
    check: every(TOPIC, "takes TLS below 1.2", has("minimumTlsVersionAllowed", "1.2")),
  },
  {
    number: 5,
    name: "event-grid-dead-letter",
    reason: "What cannot be delivered in a day is dropped without a word.",
    link: EVENT_GRID_GUIDE,
    check: every(
      SUBSCRIPTION,
      "has nowhere to put what it cannot deliver",
      isSet("deadLetterWithResourceIdentity.deadLetterDestination.resourceId"),
    ),
  },
  {
    number: 6,
    name: "event-grid-delivery-by-identity",
    reason: "Delivery by key would need local authentication at the destination.",
    link: EVENT_GRID_GUIDE,
    check: every(
      SUBSCRIPTION,
      "does not deliver with an identity",
      isSet("deliveryWithResourceIdentity.destination"),
    ),
  },
  {
    number: 7,
    name: "service-bus-keys-off",
    reason:
      "Keys stay off unless F&O itself sends to the queue, and then they may only send there.",
    link: psRule("Azure.ServiceBus.DisableLocalAuth"),
    check: (stack) => {
      const rules = stack.of("servicebus:QueueAuthorizationRule");
      const wrongRights = rules
        .filter(({ props }) => JSON.stringify(props["rights"]) !== '["Send"]')
        .map(({ name }) => `${name} may do more than send`);
      const wide = stack
        .of("servicebus:NamespaceAuthorizationRule")
        .map(({ name }) => `${name} holds for the whole namespace`);
      const open =
        rules.length > 0
          ? []
          : every(NAMESPACE, "takes keys that nobody needs", has("disableLocalAuth", true))(stack);
      return [...open, ...wrongRights, ...wide];
    },
  },
  {
    number: 8,
    name: "service-bus-tls",
    reason: "Older TLS is broken.",
    link: psRule("Azure.ServiceBus.MinTLS"),
    check: every(NAMESPACE, "takes TLS below 1.2", has("minimumTlsVersion", "1.2")),
  },
  {
    number: 9,
    name: "service-bus-audit-logs",
    reason: "Who changed and who read is asked after an incident.",
    link: psRule("Azure.ServiceBus.AuditLogs"),
    check: (stack) => {
      const settings = stack.of("monitor:DiagnosticSetting").map(({ props }) => props);
      const isLogged = settings.some(
        (props) =>
          /\/Microsoft\.ServiceBus\/namespaces\/[^/]+$/.test(String(props["resourceUri"])) &&
          /allLogs|audit|RuntimeAuditLogs/.test(JSON.stringify(props["logs"])),
      );
      return isLogged ? [] : stack.of(NAMESPACE).map(({ name }) => `${name} has no audit log`);
    },
  },
  {
    number: 10,
    name: "service-bus-in-use",
    reason: "An empty namespace costs and is looked after by nobody.",
    link: psRule("Azure.ServiceBus.Usage"),
    check: (stack) =>
      stack.of("servicebus:Queue").length + stack.of("servicebus:Topic").length > 0
        ? []
        : stack.of(NAMESPACE).map(({ name }) => `${name} is empty`),
  },
  {
    number: 11,
    name: "service-bus-premium",
    reason: "Private endpoints and zones exist in Premium only.",
    link: SERVICE_BUS_GUIDE,
    check: everyInProduction(
      NAMESPACE,
      "is private or in production without Premium",
      (props) =>
        read(props, "sku.name") === "Premium" || props["publicNetworkAccess"] === "Enabled",
    ),
  },
  {
    number: 12,
    name: "service-bus-dead-lettering",
    reason: "A message that expires or is tried too often must be kept, and limits be chosen.",
    link: SERVICE_BUS_GUIDE,
    check: every(
      ["servicebus:Queue", "servicebus:Subscription"],
      "lacks dead-lettering on expiry, a time to live or a delivery count",
      (props) =>
        props["deadLetteringOnMessageExpiration"] === true &&
        typeof props["defaultMessageTimeToLive"] === "string" &&
        typeof props["maxDeliveryCount"] === "number",
    ),
  },
];
