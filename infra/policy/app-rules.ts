import {
  every,
  everyInProduction,
  has,
  isSet,
  read,
  type PolicyRule,
  type PolicyStack,
} from "./policy-rule.ts";

const psRule = (name: string): string =>
  `https://azure.github.io/PSRule.Rules.Azure/en/rules/${name}/`;
const FUNCTIONS_GUIDE =
  "https://learn.microsoft.com/azure/well-architected/service-guides/azure-functions";
const LOGIC_APPS_GUIDE =
  "https://learn.microsoft.com/azure/logic-apps/logic-apps-securing-a-logic-app";
const INSIGHTS_GUIDE =
  "https://learn.microsoft.com/azure/well-architected/service-guides/application-insights";
const APP = "web:WebApp";
const WORKFLOW = "logic:Workflow";

interface Operation {
  readonly type?: string;
  readonly runtimeConfiguration?: {
    readonly secureData?: { readonly properties: readonly string[] };
  };
  readonly inputs?: { readonly authentication?: { readonly type?: string } };
  readonly actions?: Readonly<Record<string, Operation>>;
  readonly else?: { readonly actions?: Readonly<Record<string, Operation>> };
  readonly cases?: Readonly<Record<string, Operation>>;
  readonly default?: Operation;
}

/** HTTP actions at any depth. */
function httpActions(actions: Readonly<Record<string, Operation>> = {}): readonly Operation[] {
  return Object.values(actions).flatMap((action) => [
    ...(action.type === "Http" ? [action] : []),
    ...httpActions(action.actions),
    ...httpActions(action.else?.actions),
    ...Object.values(action.cases ?? {}).flatMap((one) => httpActions(one.actions)),
    ...httpActions(action.default?.actions),
  ]);
}

function settingsOf(props: Readonly<Record<string, unknown>>): readonly string[] {
  const settings = read(props, "siteConfig.appSettings");
  return Array.isArray(settings) ? settings.map((setting) => String(read(setting, "name"))) : [];
}

/** An app that is open for F&O's sake asks for itself where operators sit; without an operator API it need not. */
function namesOperatorAddresses(props: Readonly<Record<string, unknown>>): boolean {
  const settings = read(props, "siteConfig.appSettings");
  const operator = (Array.isArray(settings) ? settings : []).find(
    (setting) => read(setting, "name") === "CAUSEWAY_OPERATOR",
  ) as unknown;
  const value = read(operator, "value");
  // Unknown in a preview.
  return typeof value !== "string" || /"addresses":\[/.test(value);
}

function hasPrivateWay(stack: PolicyStack, groupId: string): boolean {
  return stack
    .of("network:PrivateEndpoint")
    .some(({ props }) => read(props, "privateLinkServiceConnections.0.groupIds.0") === groupId);
}

export const appRules: readonly PolicyRule[] = [
  {
    number: 26,
    name: "app-https-only",
    reason: "Events and keys do not travel in clear.",
    link: psRule("Azure.AppService.UseHTTPS"),
    check: every(APP, "takes http", has("httpsOnly", true)),
  },
  {
    number: 27,
    name: "app-tls",
    reason: "Older TLS is broken, on the deployment site too.",
    link: psRule("Azure.AppService.MinTLS"),
    check: every(
      APP,
      "takes TLS below 1.2",
      (props) =>
        read(props, "siteConfig.minTlsVersion") === "1.2" &&
        read(props, "siteConfig.scmMinTlsVersion") === "1.2",
    ),
  },
  {
    number: 28,
    name: "app-identity",
    reason: "Without an identity an app needs secrets.",
    link: psRule("Azure.AppService.ManagedIdentity"),
    check: every(APP, "has no managed identity", has("identity.type", "UserAssigned")),
  },
  {
    number: 29,
    name: "app-no-ftp",
    reason: "FTP is a second way in, with a password.",
    link: psRule("Azure.AppService.WebSecureFtp"),
    check: every(APP, "takes FTP", has("siteConfig.ftpsState", "Disabled")),
  },
  {
    number: 30,
    name: "app-no-debugging",
    reason: "A debugger left on is a way in; HTTP/2 saves connections.",
    link: psRule("Azure.AppService.RemoteDebug"),
    check: every(
      APP,
      "has remote debugging on, or HTTP/2 off",
      (props) =>
        read(props, "siteConfig.remoteDebuggingEnabled") === false &&
        read(props, "siteConfig.http20Enabled") === true,
    ),
  },
  {
    number: 31,
    name: "app-no-publishing-passwords",
    reason: "The code goes up with an Entra token; passwords could only be stolen.",
    link: FUNCTIONS_GUIDE,
    check: (stack) => [
      ...every(
        ["web:WebAppFtpAllowed", "web:WebAppScmAllowed"],
        "is on",
        has("allow", false),
      )(stack),
      ...(stack.of("web:WebAppFtpAllowed").length === stack.of(APP).length &&
      stack.of("web:WebAppScmAllowed").length === stack.of(APP).length
        ? []
        : ["an app keeps its publishing passwords"]),
    ],
  },
  {
    number: 32,
    name: "app-health",
    reason:
      "An app that is down is noticed from outside: Flex Consumption has no health check of its own.",
    link: psRule("Azure.AppService.WebProbe"),
    check: (stack) => {
      const isOpen = stack
        .of(APP)
        .some(
          ({ props }) => read(props, "siteConfig.ipSecurityRestrictionsDefaultAction") === "Allow",
        );
      const isAsked =
        stack.of("applicationinsights:WebTest").length > 0 ||
        stack.of(APP).every(({ props }) => isSet("siteConfig.healthCheckPath")(props, noResource));
      return stack.isProduction && isOpen && !isAsked ? ["the app is asked by nobody"] : [];
    },
  },
  {
    number: 33,
    name: "app-storage-by-identity",
    reason: "A connection string to the host's storage is the account's key.",
    link: FUNCTIONS_GUIDE,
    check: every(APP, "has a connection string to storage", (props) => {
      const names = settingsOf(props);
      return (
        names.includes("AzureWebJobsStorage__accountName") && !names.includes("AzureWebJobsStorage")
      );
    }),
  },
  {
    number: 34,
    name: "app-network",
    reason:
      "In production the app reaches storage and Service Bus by its own network and is operated from it; of the internet only F&O's door is reached.",
    link: FUNCTIONS_GUIDE,
    check: (stack) => [
      ...everyInProduction(
        APP,
        "is in no network, or has no access rule",
        (props) =>
          isSet("virtualNetworkSubnetId")(props, noResource) &&
          isSet("publicNetworkAccess")(props, noResource) &&
          isSet("siteConfig.ipSecurityRestrictionsDefaultAction")(props, noResource),
      )(stack),
      ...everyInProduction(
        APP,
        "is operated from everywhere",
        (props) =>
          read(props, "siteConfig.ipSecurityRestrictionsDefaultAction") !== "Allow" ||
          namesOperatorAddresses(props),
      )(stack),
      ...everyInProduction(
        APP,
        "takes code from everywhere",
        (props) =>
          read(props, "siteConfig.scmIpSecurityRestrictionsDefaultAction") === "Deny" &&
          !JSON.stringify(read(props, "siteConfig.scmIpSecurityRestrictions")).includes(
            '"0.0.0.0/0"',
          ),
      )(stack),
      ...(stack.isProduction && stack.of(APP).length > 0 && !hasPrivateWay(stack, "sites")
        ? ["the app cannot be reached from inside the network"]
        : []),
    ],
  },
  {
    number: 35,
    name: "workflow-callers",
    reason:
      "Only the function app may start a workflow: by its token, and in production from its address.",
    link: psRule("Azure.LogicApp.LimitHTTPTrigger"),
    check: (stack) => [
      ...every(
        WORKFLOW,
        "can be started by others",
        isSet("accessControl.triggers.openAuthenticationPolicies.policies"),
      )(stack),
      ...everyInProduction(
        WORKFLOW,
        "can be started from everywhere",
        isSet("accessControl.triggers.allowedCallerIpAddresses.0"),
      )(stack),
    ],
  },
  {
    number: 36,
    name: "workflow-secure-data",
    reason: "Run histories are read by many; invoices and tokens must not be in them.",
    link: LOGIC_APPS_GUIDE,
    check: every(
      WORKFLOW,
      "shows what it sends, or signs in without its identity",
      (props) =>
        read(props, "identity.type") === "UserAssigned" &&
        httpActions(read(props, "definition.actions") as Record<string, Operation>).every(
          ({ runtimeConfiguration }) =>
            ["inputs", "outputs"].every((each) =>
              runtimeConfiguration?.secureData?.properties.includes(each),
            ),
        ),
    ),
  },
  {
    number: 37,
    name: "insights-workspace",
    reason: "Classic Application Insights is gone; a workspace keeps and protects what it is told.",
    link: psRule("Azure.AppInsights.Workspace"),
    check: every("applicationinsights:Component", "has no workspace", isSet("workspaceResourceId")),
  },
  {
    number: 38,
    name: "insights-by-identity",
    reason: "With a key anybody could fill the log with lies.",
    link: INSIGHTS_GUIDE,
    check: every(
      "applicationinsights:Component",
      "takes telemetry without a token",
      has("disableLocalAuth", true),
    ),
  },
];

const noResource = { type: "", name: "", props: {} };
