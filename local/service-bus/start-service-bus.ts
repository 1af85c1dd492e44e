import type { LocalServices, Running } from "../cloud.ts";
import { AmqpServer } from "./amqp-server.ts";
import type { Broker } from "./broker.ts";
import { BrokerError } from "./broker-error.ts";
import { startSniffingServer } from "./front-door.ts";

export interface ServiceBusOptions {
  readonly broker: Broker;
  readonly services: LocalServices;
  /** ARM id of the namespace, for roles; without it a verified Entra token may do everything. */
  readonly namespaceResourceId?: string;
  /** 0 or absent takes a free one. */
  readonly port?: number;
  /** PEM; with it clients may connect by TLS on the same port. */
  readonly certificate?: { readonly key: string; readonly cert: string };
}

export interface RunningServiceBus extends Running {
  readonly port: number;
  /** `localhost:<port>`, for clients with a token credential. */
  readonly fullyQualifiedNamespace: string;
  /** For clients with a key; a rule of one entity names it as `EntityPath`. */
  connectionString(ruleName: string): string;
  /** Cuts every connection, as a network failure does; clients come back by themselves. How many there were. */
  dropConnections(): number;
  /** A broker that restarts: nobody is let in while it is away, its messages stay, its locks do not. How many were cut. */
  setAway(isAway: boolean): number;
}

/** Puts a broker on a port of this machine for unchanged Service Bus clients. */
export async function startServiceBus(options: ServiceBusOptions): Promise<RunningServiceBus> {
  const { broker, services, namespaceResourceId } = options;
  const amqp = new AmqpServer({ broker, services, namespaceResourceId });
  const server = await startSniffingServer({
    port: options.port ?? 0,
    certificate: options.certificate,
    onAmqp: (socket) => amqp.accept(socket),
    log: services.log,
  });
  const fullyQualifiedNamespace = `localhost:${server.port}`;
  return {
    port: server.port,
    fullyQualifiedNamespace,
    connectionString: (ruleName) => toConnectionString(broker, ruleName, fullyQualifiedNamespace),
    dropConnections: () => server.dropConnections(),
    setAway: (isAway) => {
      const cut = server.setAway(isAway);
      if (isAway) broker.loseLocks();
      return cut;
    },
    close: () => server.close(),
  };
}

/** With the emulator's flag the client uses plain TCP and the port given. */
function toConnectionString(broker: Broker, ruleName: string, host: string): string {
  const rule = broker.authorizationRule(ruleName);
  if (rule === undefined) {
    throw new BrokerError(
      "com.microsoft:invalid-definition",
      `The namespace has no authorization rule '${ruleName}'.`,
    );
  }
  const parts = [
    `Endpoint=sb://${host}/`,
    `SharedAccessKeyName=${rule.name}`,
    `SharedAccessKey=${rule.key}`,
    ...(rule.entity === undefined ? [] : [`EntityPath=${rule.entity}`]),
    "UseDevelopmentEmulator=true",
  ];
  return parts.join(";");
}
