import { beforeAll, describe, expect, it } from "@jest/globals";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { everythingOn, prod } from "./usual-stacks.ts";

interface Firewall {
  readonly publicNetworkAccess?: string;
  readonly networkAcls?: { readonly defaultAction: string };
  readonly networkRuleSet?: { readonly defaultAction: string };
}

describe("production", () => {
  let stack: CapturedStack;
  let quiet: CapturedStack;
  let operated: CapturedStack;
  let open: CapturedStack;
  let own: CapturedStack;

  beforeAll(async () => {
    stack = await captureStack("prod", everythingOn);
    quiet = await captureStack("prod", prod.quiet);
    operated = await captureStack("prod", prod.operated);
    open = await captureStack("prod", prod.operatedWithHttpsDoor);
    own = await captureStack("prod", prod.onOwnNetworkRange);
  });

  it("is open to the internet at its doors and nowhere else", () => {
    const reachable = stack.resources
      .filter(({ type }) => /:(Namespace|StorageAccount|Vault)$|eventgrid:Topic$/.test(type))
      .filter(({ inputs }) => isOpen({ ...inputs, ...(inputs["properties"] as Firewall) }))
      .map(({ name }) => name)
      .sort();

    expect(reachable).toEqual(["door-prod-events-topic", "door-prod-secrets-vault"]);
  });

  it("closes the function app when no door takes https", () => {
    expect(quiet.one("web:WebApp", "functions-app").inputs["siteConfig"]).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Deny",
    });
    expect(quiet.calls.filter((call) => call.startsWith("secret https-url"))).toEqual([]);
  });

  it("lets operators into a closed app by their addresses, and says from where it is reached", () => {
    expect(operated.one("web:WebApp", "functions-app").inputs["siteConfig"]).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Deny",
      ipSecurityRestrictions: [
        { ipAddress: "203.0.113.0/24", action: "Allow", priority: 100 },
        { ipAddress: "198.51.100.7/32", action: "Allow", priority: 101 },
      ],
    });
    expect(operated.settings["CAUSEWAY_OPERATOR"]).not.toContain("203.0.113");
    expect(operated.outputs["operator"]).toMatchObject({
      reachableFrom: "the stack's network, 203.0.113.0/24, 198.51.100.7",
    });
  });

  it("is reached from inside the network by a private endpoint and its name, and is not closed by having one", () => {
    const endpoint = stack.one("network:PrivateEndpoint", "network-site").inputs;
    const rules = stack.one("network:NetworkSecurityGroup", "network-inbound-rules").inputs;

    expect(endpoint).toMatchObject({
      privateLinkServiceConnections: [{ groupIds: ["sites"] }],
      subnet: { id: expect.stringMatching(/\/subnets\/inbound$/) as unknown },
    });
    expect(stack.one("privatedns:PrivateZone", "network-site-zone").inputs).toMatchObject({
      privateZoneName: "privatelink.azurewebsites.net",
    });
    expect(rules).toMatchObject({
      securityRules: [
        { access: "Allow", sourceAddressPrefix: "VirtualNetwork", destinationPortRange: "443" },
        { access: "Deny", sourceAddressPrefix: "*" },
      ],
    });
    expect(stack.one("web:WebApp", "functions-app").inputs["publicNetworkAccess"]).toBe("Enabled");
  });

  it("lets everybody knock at an HTTPS door, and operators in from the network and named addresses only", () => {
    expect(JSON.parse(open.settings["CAUSEWAY_OPERATOR"] ?? "{}")).toMatchObject({
      addresses: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "203.0.113.0/24"],
    });
    expect(open.one("web:WebApp", "functions-app").inputs["siteConfig"]).toMatchObject({
      ipSecurityRestrictionsDefaultAction: "Allow",
      ipSecurityRestrictions: [],
    });
    expect(open.outputs["operator"]).toMatchObject({
      reachableFrom: "the stack's network, 203.0.113.0/24",
    });
  });

  it("takes code from its network and from hosted agents, until it is told from where else", () => {
    const site = stack.one("web:WebApp", "functions-app").inputs["siteConfig"];

    expect(site).toMatchObject({
      scmIpSecurityRestrictionsDefaultAction: "Deny",
      scmIpSecurityRestrictions: [{ ipAddress: "AzureCloud", tag: "ServiceTag", action: "Allow" }],
    });
    expect(own.one("web:WebApp", "functions-app").inputs["siteConfig"]).toMatchObject({
      scmIpSecurityRestrictionsUseMain: false,
      scmIpSecurityRestrictionsDefaultAction: "Deny",
      scmIpSecurityRestrictions: [
        { ipAddress: "203.0.113.9/32", priority: 100 },
        { ipAddress: "AzureCloud.westeurope", tag: "ServiceTag", priority: 101 },
      ],
    });
    expect(own.one("network:VirtualNetwork", "network-network").inputs).toMatchObject({
      addressSpace: { addressPrefixes: ["10.77.3.0/24"] },
      subnets: [
        { addressPrefix: "10.77.3.0/26" },
        { addressPrefix: "10.77.3.64/26" },
        { addressPrefix: "10.77.3.128/26" },
      ],
    });
  });

  it("reads owners' webhooks by a reference, once it may and can", () => {
    const app = stack.one("web:WebApp", "functions-app");
    const needed = [
      stack.one("keyvault:Secret", "app-secrets-owner-webhooks"),
      stack.one("authorization:RoleAssignment", "functions-reads-owner-webhooks"),
      stack.one("network:PrivateDnsZoneGroup", "network-vault-dns"),
    ].map(({ urn }) => urn);

    expect(stack.settings["CAUSEWAY_OWNER_WEBHOOKS"]).toMatch(
      /^@Microsoft\.KeyVault\(SecretUri=https:\/\/kv-prod-app-[a-z0-9]+\.vault\.azure\.net\/secrets\/owner-webhooks\)$/,
    );
    expect(JSON.parse(stack.settings["CAUSEWAY_OWNER_MAIL"] ?? "{}")).toMatchObject({
      apiVersion: "2025-09-01",
      to: { masterData: ["data@contoso.example"] },
    });
    expect(needed.filter((urn) => !app.dependencies.includes(urn))).toEqual([]);
  });

  it("reaches Service Bus and storage by private endpoints from the app's subnet", () => {
    const groups = stack
      .of("network:PrivateEndpoint")
      .map(({ inputs }) => inputs["privateLinkServiceConnections"])
      .map(
        (connections) => (connections as readonly { readonly groupIds: string[] }[])[0]?.groupIds,
      );

    expect(groups.flat().sort()).toEqual(["blob", "namespace", "sites", "table", "vault"]);
    expect(stack.one("web:WebApp", "functions-app").inputs["virtualNetworkSubnetId"]).toMatch(
      /\/virtualNetworks\/vnet-causeway-prod\/subnets\/functions$/,
    );
  });

  it("lets Event Grid into the private namespace as a trusted service", () => {
    expect(
      stack.of("servicebus:NamespaceNetworkRuleSet").map(({ inputs }) => inputs),
    ).toMatchObject([
      { defaultAction: "Deny", publicNetworkAccess: "Disabled", trustedServiceAccessEnabled: true },
    ]);
  });

  it("is asked from outside whether it is well", () => {
    expect(stack.one("applicationinsights:WebTest", "availability-test").inputs).toMatchObject({
      request: { requestUrl: expect.stringMatching(/^https:\/\/[^/]+\/api\/health$/) as unknown },
      validationRules: { expectedHttpStatusCode: 200 },
    });
  });

  it("protects what holds data", () => {
    const guarded = stack.resources
      .filter(({ isProtected }) => isProtected)
      .map(({ type }) => type);

    expect([...new Set(guarded)].sort()).toEqual([
      "azure-native:keyvault:Vault",
      "azure-native:servicebus:Namespace",
      "azure-native:storage:StorageAccount",
    ]);
  });
});

function isOpen({ publicNetworkAccess, networkAcls, networkRuleSet }: Firewall): boolean {
  const rules = networkAcls ?? networkRuleSet;
  return publicNetworkAccess !== "Disabled" && rules?.defaultAction !== "Deny";
}
