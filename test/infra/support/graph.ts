import type { Properties } from "../../../local/deploy/run-program.ts";

/** What of a registered resource makes it a node of the graph. */
export interface Node {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly id: string;
  readonly inputs: Properties;
  readonly dependencies: readonly string[];
}

/** Where a name given in a property is the name of a resource of that type. */
const owners: Readonly<Record<string, string>> = {
  resourceGroupName: "resources:ResourceGroup",
  namespaceName: "servicebus:Namespace",
  topicName: "servicebus:Topic",
  subscriptionName: "servicebus:Subscription",
  queueName: "servicebus:Queue",
  forwardDeadLetteredMessagesTo: "servicebus:Queue",
  accountName: "storage:StorageAccount",
  vaultName: "keyvault:Vault",
  emailServiceName: "communication:EmailService",
  domainName: "communication:Domain",
  virtualNetworkName: "network:VirtualNetwork",
  privateEndpointName: "network:PrivateEndpoint",
  privateZoneName: "privatedns:PrivateZone",
};

/** Names are given in a property of the same name as their owner's, but for these. */
const nameOfForward = "queueName";

/** Each use of another resource's id or name that the engine is not told of: it could be too early. */
export function findMissingDependencies(nodes: readonly Node[]): readonly string[] {
  const byUrn = new Map(nodes.map((node) => [node.urn, node]));
  return nodes.flatMap((node) => {
    const reachable = reach(node, byUrn);
    return usedBy(node, nodes)
      .filter((used) => used.urn !== node.urn && !reachable.has(used.urn))
      .map((used) => `${node.type} ${node.name} uses ${used.type} ${used.name}`);
  });
}

function reach(from: Node, byUrn: ReadonlyMap<string, Node>): ReadonlySet<string> {
  const seen = new Set<string>();
  const queue = [...from.dependencies];
  for (let urn = queue.pop(); urn !== undefined; urn = queue.pop()) {
    if (seen.has(urn)) continue;
    seen.add(urn);
    queue.push(...(byUrn.get(urn)?.dependencies ?? []));
  }
  return seen;
}

function usedBy(node: Node, nodes: readonly Node[]): readonly Node[] {
  const texts = textsIn(node.inputs);
  const byId = nodes.filter(
    ({ id, type }) =>
      // Azure makes it together with its account.
      type !== "azure-native:storage:BlobServiceProperties" &&
      id.startsWith("/") &&
      texts.some((text) => text === id || text.startsWith(`${id}/`)),
  );
  const byName = Object.entries(owners).flatMap(([property, type]) => {
    const owner = property === "forwardDeadLetteredMessagesTo" ? nameOfForward : property;
    const name = node.inputs[property];
    if (node.type === `azure-native:${type}` && property === owner) return [];
    return nodes.filter(
      (other) =>
        other.type === `azure-native:${type}` && name !== undefined && other.inputs[owner] === name,
    );
  });
  return [...new Set([...byId, ...byName])];
}

export function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsIn(member)]);
}

/**
 * Types whose loss is the loss of data, of an address that others know, or of a grant; and what Azure
 * cannot change in place (from the REST reference of each type: properties that are "create only", and
 * tiers between which there is no way but a new resource).
 */
const stateful: Readonly<Record<string, readonly string[]>> = {
  "resources:ResourceGroup": ["location"],
  "servicebus:Namespace": ["sku.name", "zoneRedundant", "premiumMessagingPartitions", "location"],
  "servicebus:Queue": ["requiresDuplicateDetection", "requiresSession", "enablePartitioning"],
  "servicebus:Topic": ["requiresDuplicateDetection", "enablePartitioning"],
  "servicebus:Subscription": ["requiresSession"],
  "storage:StorageAccount": ["kind", "sku.name", "isHnsEnabled", "location"],
  "storage:BlobContainer": [],
  "storage:Table": [],
  "keyvault:Vault": ["properties.tenantId", "location"],
  "managedidentity:UserAssignedIdentity": ["location"],
  "eventgrid:Topic": ["inputSchema", "location"],
  "communication:EmailService": ["dataLocation"],
  "communication:Domain": ["domainManagement"],
  "communication:CommunicationService": ["dataLocation"],
  "operationalinsights:Workspace": ["location"],
  "applicationinsights:Component": ["kind"],
  "logic:Workflow": ["location"],
  "web:WebApp": ["kind", "location"],
};

/** What an update of a stack from one version of its settings to another would delete or make anew. */
export function findReplacements(
  before: readonly Node[],
  after: readonly Node[],
): readonly string[] {
  return before.flatMap((node) => {
    const fixed = stateful[node.type.replace("azure-native:", "")];
    if (fixed === undefined) return [];
    const next = after.find(({ urn }) => urn === node.urn);
    if (next === undefined) return [`${node.name} is deleted`];
    if (next.id !== node.id) return [`${node.name} gets another name`];
    return fixed
      .filter((path) => read(node.inputs, path) !== read(next.inputs, path))
      .map((path) => `${node.name} is made anew for ${path}`);
  });
}

function read(inputs: Properties, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, key) => (value as Properties | undefined)?.[key], inputs);
}
