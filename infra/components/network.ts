import * as pulumi from "@pulumi/pulumi";
// By file: loading the whole of `network` takes 0.15 s, also for stacks that have none.
import { NatGateway } from "@pulumi/azure-native/network/natGateway.js";
import { NetworkSecurityGroup } from "@pulumi/azure-native/network/networkSecurityGroup.js";
import { PrivateDnsZoneGroup } from "@pulumi/azure-native/network/privateDnsZoneGroup.js";
import { PrivateEndpoint } from "@pulumi/azure-native/network/privateEndpoint.js";
import { PublicIPAddress } from "@pulumi/azure-native/network/publicIPAddress.js";
import { VirtualNetwork } from "@pulumi/azure-native/network/virtualNetwork.js";
import { PrivateZone } from "@pulumi/azure-native/privatedns/privateZone.js";
import { VirtualNetworkLink } from "@pulumi/azure-native/privatedns/virtualNetworkLink.js";
import { sendDiagnostics } from "./diagnostics.ts";
import type { Placement } from "./placement.ts";

export interface NetworkArgs extends Omit<Placement, "isProtected" | "isPrivate"> {
  /** A /24; its quarters are the subnets. */
  readonly range: string;
}

/** What a private endpoint can stand for: part of the resource, and the zone that its name moves to. */
const endpointKinds = {
  serviceBus: {
    ...{ groupId: "namespace", zone: "privatelink.servicebus.windows.net" },
    subnet: "endpoints",
  },
  blob: { groupId: "blob", zone: "privatelink.blob.core.windows.net", subnet: "endpoints" },
  vault: { groupId: "vault", zone: "privatelink.vaultcore.azure.net", subnet: "endpoints" },
  table: { groupId: "table", zone: "privatelink.table.core.windows.net", subnet: "endpoints" },
  // The deployment site's name is in the same zone.
  // https://learn.microsoft.com/azure/app-service/overview-private-endpoint#dns
  site: { groupId: "sites", zone: "privatelink.azurewebsites.net", subnet: "inbound" },
} as const;

/** A network of its own: the function app's outgoing side, private ways to what it uses, and one to itself. */
export class Network extends pulumi.ComponentResource {
  readonly functionsSubnetId: pulumi.Output<string>;
  /** The one address that the function app calls out from; F&O, CE and the workflows may know it. */
  readonly outboundAddress: pulumi.Output<string>;

  readonly #name: string;
  readonly #args: NetworkArgs;
  readonly #network: VirtualNetwork;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:network:Network", name, {}, opts);
    this.#name = name;
    this.#args = args;
    const address = this.#createAddress();
    const ranges = toSubnetRanges(args.range);
    this.outboundAddress = address.ipAddress.apply((ip) => ip ?? "");
    this.#network = new VirtualNetwork(
      `${name}-network`,
      {
        resourceGroupName: args.resourceGroupName,
        virtualNetworkName: args.nameOf("network"),
        addressSpace: { addressPrefixes: [args.range] },
        // Written in the network: as resources of their own, an update of the network drops them.
        subnets: [
          {
            name: "functions",
            addressPrefix: ranges.functions,
            defaultOutboundAccess: false,
            natGateway: { id: this.#createGateway(address).id },
            delegations: [{ name: "flex", serviceName: "Microsoft.App/environments" }],
          },
          {
            name: "endpoints",
            addressPrefix: ranges.endpoints,
            defaultOutboundAccess: false,
            privateEndpointNetworkPolicies: "NetworkSecurityGroupEnabled",
            networkSecurityGroup: {
              id: this.#createRules("endpoints", { from: ranges.functions, ports: "*" }).id,
            },
          },
          {
            // Operators, from this network and whatever is joined to it; and the app itself, which asks its
            // own address when code is deployed (https://github.com/Azure/Azure-Functions/issues/2635).
            name: "inbound",
            addressPrefix: ranges.inbound,
            defaultOutboundAccess: false,
            privateEndpointNetworkPolicies: "NetworkSecurityGroupEnabled",
            networkSecurityGroup: {
              id: this.#createRules("inbound", { from: "VirtualNetwork", ports: "443" }).id,
            },
          },
        ],
        tags: args.tags,
      },
      { parent: this },
    );
    sendDiagnostics(name, { resourceUri: this.#network.id, workspaceId: args.workspaceId }, this);
    this.functionsSubnetId = this.#subnetId("functions");
    this.registerOutputs({ functionsSubnetId: this.functionsSubnetId });
  }

  /** Gives a resource an address inside the network, under its usual name. */
  addEndpoint(kind: keyof typeof endpointKinds, resourceId: pulumi.Input<string>): pulumi.Resource {
    const { nameOf, resourceGroupName, tags } = this.#args;
    const { groupId, subnet, zone } = endpointKinds[kind];
    const endpoint = new PrivateEndpoint(
      `${this.#name}-${kind}`,
      {
        resourceGroupName,
        privateEndpointName: nameOf("privateEndpoint", kind),
        subnet: { id: this.#subnetId(subnet) },
        privateLinkServiceConnections: [
          { name: kind, privateLinkServiceId: resourceId, groupIds: [groupId] },
        ],
        tags,
      },
      { parent: this },
    );
    return new PrivateDnsZoneGroup(
      `${this.#name}-${kind}-dns`,
      {
        resourceGroupName,
        privateEndpointName: endpoint.name,
        privateDnsZoneGroupName: "default",
        privateDnsZoneConfigs: [{ name: kind, privateDnsZoneId: this.#createZone(kind, zone).id }],
      },
      { parent: this },
    );
  }

  #createAddress(): PublicIPAddress {
    const { nameOf, resourceGroupName, tags } = this.#args;
    const address = new PublicIPAddress(
      `${this.#name}-address`,
      {
        resourceGroupName,
        publicIpAddressName: nameOf("publicIpAddress"),
        sku: { name: "Standard", tier: "Regional" },
        publicIPAllocationMethod: "Static",
        zones: ["1", "2", "3"],
        tags,
      },
      { parent: this },
    );
    const { workspaceId } = this.#args;
    sendDiagnostics(`${this.#name}-address`, { resourceUri: address.id, workspaceId }, this);
    return address;
  }

  #createGateway(address: PublicIPAddress): NatGateway {
    const { nameOf, resourceGroupName, tags } = this.#args;
    return new NatGateway(
      `${this.#name}-gateway`,
      {
        resourceGroupName,
        natGatewayName: nameOf("natGateway"),
        sku: { name: "Standard" },
        publicIpAddresses: [{ id: address.id }],
        idleTimeoutInMinutes: 4,
        tags,
      },
      { parent: this },
    );
  }

  /** Who reaches what stands behind a subnet's private endpoints: nobody but these. */
  #createRules(
    subnet: string,
    allowed: { readonly from: string; readonly ports: string },
  ): NetworkSecurityGroup {
    const { nameOf, resourceGroupName, tags, workspaceId } = this.#args;
    const everything = {
      protocol: "*",
      sourcePortRange: "*",
      destinationPortRange: "*",
      destinationAddressPrefix: "*",
      direction: "Inbound",
    };
    const group = new NetworkSecurityGroup(
      `${this.#name}-${subnet}-rules`,
      {
        resourceGroupName,
        networkSecurityGroupName: nameOf("networkSecurityGroup", subnet),
        securityRules: [
          {
            ...everything,
            name: "allowed",
            priority: 100,
            access: "Allow",
            sourceAddressPrefix: allowed.from,
            destinationPortRange: allowed.ports,
          },
          {
            ...everything,
            name: "nobody-else",
            priority: 4000,
            access: "Deny",
            sourceAddressPrefix: "*",
          },
        ],
        tags,
      },
      { parent: this },
    );
    sendDiagnostics(
      `${this.#name}-${subnet}-rules`,
      { resourceUri: group.id, workspaceId, hasMetrics: false },
      this,
    );
    return group;
  }

  #createZone(kind: string, zone: string): PrivateZone {
    const { resourceGroupName, tags } = this.#args;
    const place = { resourceGroupName, location: "global", tags };
    const created = new PrivateZone(
      `${this.#name}-${kind}-zone`,
      { ...place, privateZoneName: zone },
      { parent: this },
    );
    new VirtualNetworkLink(
      `${this.#name}-${kind}-link`,
      {
        ...place,
        privateZoneName: created.name,
        virtualNetworkLinkName: "network",
        virtualNetwork: { id: this.#network.id },
        registrationEnabled: false,
      },
      { parent: this },
    );
    return created;
  }

  #subnetId(subnet: string): pulumi.Output<string> {
    return pulumi.interpolate`${this.#network.id}/subnets/${subnet}`;
  }
}

/** The last quarter stays free. */
function toSubnetRanges(
  range: string,
): Readonly<Record<"functions" | "endpoints" | "inbound", string>> {
  const start = range.replace(/0\/24$/, "");
  return { functions: `${start}0/26`, endpoints: `${start}64/26`, inbound: `${start}128/26` };
}
