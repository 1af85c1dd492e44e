import type { LocalServices } from "../cloud.ts";
import { toEntityPath, type AuthorizationOptions } from "./authorization.ts";
import type { Broker, Right } from "./broker.ts";
import { BrokerError, toEntityNotFound } from "./broker-error.ts";
import { ClaimsTable } from "./cbs.ts";
import { openIncomingLink } from "./incoming-link.ts";
import { answerManagementRequest } from "./management.ts";
import { openOutgoingLink, type OutgoingLink } from "./outgoing-link.ts";
import {
  acceptSocket,
  createConnection,
  createContainer,
  installRawTransfers,
  type RheaConnection,
  type RheaContainer,
  type RheaContext,
  type RheaReceiver,
  type RheaSender,
  type RheaSocket,
} from "./rhea-hooks.ts";

export interface AmqpServerOptions {
  readonly broker: Broker;
  readonly services: LocalServices;
  readonly namespaceResourceId: string | undefined;
}

interface ConnectionState {
  readonly claims: ClaimsTable;
  readonly outgoing: Map<RheaSender, OutgoingLink>;
  /** Links on which messages go, with the right that each was opened by. */
  readonly rights: Map<RheaSender | RheaReceiver, HeldRight>;
}

interface HeldRight {
  readonly right: Right;
  readonly path: string;
}

const managementSuffix = "/$management";

/** Speaks AMQP 1.0 with Service Bus clients on sockets that it is given. */
export class AmqpServer {
  readonly #options: AuthorizationOptions;
  readonly #container: RheaContainer;
  readonly #connections = new Map<RheaConnection, ConnectionState>();

  constructor(options: AmqpServerOptions) {
    this.#options = options;
    this.#container = createContainer();
    this.#listen();
    options.services.access.watch?.(() => this.#closeForbidden());
  }

  accept(socket: RheaSocket): void {
    const connection = createConnection(this.#container);
    this.#connections.set(connection, {
      claims: new ClaimsTable(this.#options),
      outgoing: new Map(),
      rights: new Map(),
    });
    acceptSocket(connection, socket);
    socket.on("close", () => {
      // A socket that this side destroys gives rhea neither an end nor an error.
      if (this.#connections.has(connection)) connection.eof();
    });
  }

  #listen(): void {
    const container = this.#container;
    container.on("session_open", ({ session }) => installRawTransfers(session));
    container.on("sender_open", (context) => this.#openSender(context));
    container.on("receiver_open", (context) => this.#openReceiver(context));
    container.on("sender_close", (context) => this.#closeSender(context));
    container.on("receiver_close", ({ connection, receiver }) => {
      this.#connections.get(connection)?.rights.delete(receiver);
    });
    container.on("session_close", ({ connection, session }) => {
      this.#closeOutgoing(connection, (link) => link.session === session);
    });
    for (const event of ["connection_close", "disconnected"]) {
      container.on(event, ({ connection }) => this.#forget(connection));
    }
    // Without a listener rhea throws; a peer's error also closes what it concerns.
    for (const event of ["sender_error", "receiver_error", "session_error", "connection_error"]) {
      container.on(event, () => undefined);
    }
    for (const event of ["protocol_error", "error"]) {
      container.on(event, (context) => {
        const error = context instanceof Error ? context : context.error;
        this.#options.broker.log(`service bus: ${error?.message ?? event}`);
      });
    }
  }

  #state(connection: RheaConnection): ConnectionState {
    const state = this.#connections.get(connection);
    if (state === undefined) throw new Error("A link was opened on a connection that has ended.");
    return state;
  }

  /** The client wants to receive. */
  #openSender({ sender, connection }: RheaContext): void {
    const state = this.#state(connection);
    const address = sender.source?.address ?? "";
    if (address === "$cbs" || address.toLowerCase().endsWith(managementSuffix)) {
      sender.set_source({ address });
      sender.set_target({ address: sender.target?.address ?? undefined });
      return;
    }
    this.#orRefuse(sender, () => {
      const path = toEntityPath(address);
      this.#requireEntity(connection, path);
      state.claims.require("Listen", path);
      const { broker } = this.#options;
      const queue = broker.requireQueue(path);
      state.outgoing.set(sender, openOutgoingLink(sender, queue, broker.clock));
      state.rights.set(sender, { right: "Listen", path });
    });
  }

  /** The client wants to send. */
  #openReceiver({ receiver, connection }: RheaContext): void {
    const state = this.#state(connection);
    const address = receiver.target?.address ?? "";
    if (address === "$cbs") {
      acceptRequests(receiver, (context) => this.#putToken(context, state.claims));
      return;
    }
    const isManagement = address.toLowerCase().endsWith(managementSuffix);
    const path = toEntityPath(isManagement ? address.slice(0, -managementSuffix.length) : address);
    this.#orRefuse(receiver, () => {
      this.#requireEntity(connection, path);
      if (isManagement) {
        acceptRequests(receiver, (context) => this.#manage(context, path, state.claims));
        return;
      }
      state.claims.require("Send", path);
      openIncomingLink(receiver, { broker: this.#options.broker, entityPath: path });
      state.rights.set(receiver, { right: "Send", path });
    });
  }

  #requireEntity(connection: RheaConnection, path: string): void {
    if (this.#options.broker.findEntity(path) !== undefined) return;
    throw toEntityNotFound(connection.hostname ?? "localhost", path);
  }

  #orRefuse(link: RheaSender | RheaReceiver, open: () => void): void {
    try {
      open();
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      link.close({ condition: error.condition, description: error.message });
    }
  }

  /** A role was taken away: what it opened ends as with a token that has run out. */
  #closeForbidden(): void {
    for (const [connection, { claims, rights }] of this.#connections) {
      for (const [link, { right, path }] of rights) {
        this.#orRefuse(link, () => claims.require(right, path));
        if (link.is_open()) continue;
        rights.delete(link);
        this.#closeOutgoing(connection, (each) => each === link);
      }
    }
  }

  #closeSender({ sender, connection }: RheaContext): void {
    this.#closeOutgoing(connection, (link) => link === sender);
  }

  #closeOutgoing(connection: RheaConnection, isMeant: (link: RheaSender) => boolean): void {
    const state = this.#connections.get(connection);
    for (const [link, open] of state?.outgoing ?? []) {
      if (!isMeant(link)) continue;
      state?.outgoing.delete(link);
      state?.rights.delete(link);
      open.closed();
    }
  }

  #forget(connection: RheaConnection): void {
    this.#closeOutgoing(connection, () => true);
    this.#connections.delete(connection);
  }

  #putToken(context: RheaContext, claims: ClaimsTable): void {
    const request = toRequest(context.message);
    void claims
      .putToken({
        operation: request.properties["operation"],
        type: request.properties["type"],
        name: request.properties["name"],
        token: request.body,
      })
      .catch((error: unknown) => {
        this.#options.broker.log(`service bus: put-token failed: ${String(error)}`);
        return { statusCode: 500, statusDescription: "The token could not be checked." };
      })
      .then(({ statusCode, statusDescription }) => {
        reply(context.connection, request, {
          body: undefined,
          properties: { "status-code": statusCode, "status-description": statusDescription },
        });
      });
  }

  #manage(context: RheaContext, path: string, claims: ClaimsTable): void {
    const request = toRequest(context.message);
    const answer = answerManagementRequest({
      broker: this.#options.broker,
      entityPath: path,
      operation: toText(request.properties["operation"]),
      body: request.body,
      requireRight: (right) => claims.require(right, path),
    });
    reply(context.connection, request, answer);
  }
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

interface Request {
  readonly id: unknown;
  readonly replyTo: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

interface Answer {
  readonly body: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

function acceptRequests(link: RheaReceiver, answer: (context: RheaContext) => void): void {
  link.set_target({ address: link.target?.address ?? undefined });
  link.on("message", (context) => {
    context.delivery.accept();
    answer(context);
  });
}

function toRequest(message: unknown): Request {
  const { message_id, reply_to, application_properties, body } = message as {
    readonly message_id?: unknown;
    readonly reply_to?: unknown;
    readonly application_properties?: Readonly<Record<string, unknown>>;
    readonly body?: unknown;
  };
  return { id: message_id, replyTo: reply_to, properties: application_properties ?? {}, body };
}

/** `$cbs` names its reply address in the link's name, `$management` in the link's target. */
function reply(connection: RheaConnection, request: Request, answer: Answer): void {
  const link = connection.find_sender(
    (sender) => sender.target?.address === request.replyTo || sender.name === request.replyTo,
  );
  link?.send({
    correlation_id: request.id,
    application_properties: answer.properties,
    body: answer.body,
  });
}
