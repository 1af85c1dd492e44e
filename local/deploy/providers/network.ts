import type { Provider } from "../provider.ts";

const PROVIDER = "Microsoft.Network";

/** Everything local is on loopback: networks are accepted, so that a private profile can be tried out. */
export const networkProvider: Provider = {
  resources: {
    "azure-native:network:VirtualNetwork": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "virtualNetworks", inputs.text("virtualNetworkName")),
    }),
    "azure-native:network:NetworkSecurityGroup": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "networkSecurityGroups", inputs.text("networkSecurityGroupName")),
    }),
    "azure-native:network:PublicIPAddress": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "publicIPAddresses", inputs.text("publicIpAddressName")),
      outputs: { ipAddress: "127.0.0.1" },
    }),
    "azure-native:network:NatGateway": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "natGateways", inputs.text("natGatewayName")),
    }),
    "azure-native:network:PrivateEndpoint": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "privateEndpoints", inputs.text("privateEndpointName")),
    }),
    "azure-native:network:PrivateDnsZoneGroup": (_resource, { armId, inputs }) => ({
      id: armId(
        PROVIDER,
        "privateEndpoints",
        inputs.text("privateEndpointName"),
        "privateDnsZoneGroups",
        inputs.text("privateDnsZoneGroupName"),
      ),
    }),
    "azure-native:privatedns:PrivateZone": (_resource, { armId, inputs }) => ({
      id: armId(PROVIDER, "privateDnsZones", inputs.text("privateZoneName")),
    }),
    "azure-native:privatedns:VirtualNetworkLink": (_resource, { armId, inputs }) => ({
      id: armId(
        PROVIDER,
        "privateDnsZones",
        inputs.text("privateZoneName"),
        "virtualNetworkLinks",
        inputs.text("virtualNetworkLinkName"),
      ),
    }),
  },
};
