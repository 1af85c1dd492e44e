import { ServiceBusClient, type ServiceBusReceivedMessage } from "@azure/service-bus";

import { SimulatedClock } from "../../../local/clock.ts";
import type { AccessControl, LocalServices, RoleAssignment } from "../../../local/cloud.ts";
import { createBroker, type Broker } from "../../../local/service-bus/broker.ts";
import {
  startServiceBus,
  type RunningServiceBus,
} from "../../../local/service-bus/start-service-bus.ts";

export const namespaceResourceId =
  "/subscriptions/s/resourceGroups/g/providers/Microsoft.ServiceBus/namespaces/n";

export interface ServiceBusWorld {
  readonly broker: Broker;
  readonly clock: SimulatedClock;
  readonly server: RunningServiceBus;
  readonly client: ServiceBusClient;
  /** A client that connects with the key of a rule. */
  clientOf(ruleName: string): ServiceBusClient;
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly certificate?: { readonly key: string; readonly cert: string };
  readonly assignments?: readonly RoleAssignment[];
}

/** A Service Bus on a free port with the unchanged client in front of it, in simulated time. */
export async function startWorld(options: WorldOptions = {}): Promise<ServiceBusWorld> {
  // Starts at the real time because the client compares locks with its own clock.
  const clock = new SimulatedClock(Date.now());
  const broker = createBroker({ clock, log: () => undefined });
  const server = await startServiceBus({
    broker,
    namespaceResourceId,
    services: createServices(clock, options.assignments ?? []),
    ...(options.certificate === undefined ? {} : { certificate: options.certificate }),
  });
  const clients: ServiceBusClient[] = [];
  const clientOf = (ruleName: string): ServiceBusClient => {
    const client = new ServiceBusClient(server.connectionString(ruleName), {
      retryOptions: { maxRetries: 0 },
    });
    clients.push(client);
    return client;
  };
  return {
    broker,
    clock,
    server,
    client: clientOf("RootManageSharedAccessKey"),
    clientOf,
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await server.close();
      broker.close();
    },
  };
}

/** A token is taken for the principal that it names. */
function createServices(
  clock: SimulatedClock,
  assignments: readonly RoleAssignment[],
): LocalServices {
  const access: AccessControl = {
    assign: () => undefined,
    assignments: () => assignments,
    allows: (principalId, roleIds, resourceId) =>
      assignments.some(
        (assignment) =>
          assignment.principalId === principalId &&
          roleIds.includes(assignment.roleId) &&
          resourceId.startsWith(assignment.scope),
      ),
  };
  const verify: LocalServices["tokens"]["verify"] = (token, audiences) =>
    token.startsWith("principal-")
      ? Promise.resolve({
          issuer: "i",
          audience: audiences[0] ?? "",
          principalId: token,
          clientId: "c",
          tenantId: "t",
        })
      : Promise.reject(new Error("The token's signature is wrong."));
  return { clock, access, tokens: { verify }, log: () => undefined };
}

/** Exactly one message; a test that gets none fails here. */
export function only(messages: readonly ServiceBusReceivedMessage[]): ServiceBusReceivedMessage {
  const [message] = messages;
  if (message === undefined || messages.length > 1) {
    throw new Error(`Expected one message, got ${messages.length}.`);
  }
  return message;
}
