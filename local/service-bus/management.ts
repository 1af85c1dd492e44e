import rhea from "rhea";

import { toUuidText } from "./amqp-value.ts";
import { requireSize, type Broker, type Right } from "./broker.ts";
import { BrokerError, type BrokerCondition } from "./broker-error.ts";
import { toUuidBytes } from "./lock-token.ts";
import { listRules, toRuleInputs } from "./management-rules.ts";
import { toRawMessage } from "./raw-message.ts";
import { toBytes } from "./stored-message.ts";
import { Topic, type Subscription } from "./topic.ts";

/** One request to `<entity>/$management`. */
export interface ManagementRequest {
  readonly broker: Broker;
  readonly entityPath: string;
  readonly operation: string;
  readonly body: unknown;
  /** Throws unless the connection's token gives the right. */
  readonly requireRight: (right: Right) => void;
}

export interface ManagementAnswer {
  readonly body: unknown;
  readonly properties: Readonly<Record<string, unknown>>;
}

interface Result {
  readonly statusCode: 200 | 204;
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

interface Operation {
  readonly right: Right;
  readonly run: (request: Fields) => Result;
}

// https://learn.microsoft.com/azure/service-bus-messaging/message-browsing
const maxPeekCount = 250;
const longTypeCode = 0x81;
const timestampTypeCode = 0x83;
const { types } = rhea;

const operations: Readonly<Record<string, Operation>> = {
  "peek-message": { right: "Listen", run: peek },
  "renew-lock": { right: "Listen", run: renewLocks },
  "schedule-message": { right: "Send", run: schedule },
  "cancel-scheduled-message": { right: "Send", run: cancelScheduled },
  "receive-by-sequence-number": { right: "Listen", run: receiveDeferred },
  "update-disposition": { right: "Listen", run: updateDisposition },
  "renew-session-lock": { right: "Listen", run: renewSessionLock },
  "get-session-state": { right: "Listen", run: getSessionState },
  "set-session-state": { right: "Listen", run: setSessionState },
  "add-rule": { right: "Manage", run: addRule },
  "remove-rule": { right: "Manage", run: removeRule },
  "enumerate-rules": { right: "Manage", run: enumerateRules },
};

/** Runs one operation; a refusal is an answer too. */
export function answerManagementRequest(request: ManagementRequest): ManagementAnswer {
  try {
    const { statusCode, body } = run(request);
    return {
      body,
      properties: { statusCode: types.wrap_int(statusCode), statusDescription: "OK" },
    };
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return {
      body: undefined,
      properties: {
        statusCode: types.wrap_int(toStatusCode(error.condition)),
        statusDescription: error.message,
        errorCondition: types.wrap_symbol(error.condition),
      },
    };
  }
}

function run(request: ManagementRequest): Result {
  const name = request.operation.replace(/^com\.microsoft:/, "");
  const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
  if (operation === undefined) {
    throw new BrokerError("amqp:not-implemented", `The operation '${name}' does not exist here.`);
  }
  request.requireRight(operation.right);
  return operation.run(new Fields(request));
}

/** A request's body with its fields checked as they are read. */
class Fields {
  readonly broker: Broker;
  readonly entityPath: string;
  readonly #body: Readonly<Record<string, unknown>>;

  constructor(request: ManagementRequest) {
    this.broker = request.broker;
    this.entityPath = request.entityPath;
    this.#body = toRecord(request.body);
  }

  value(name: string): unknown {
    return this.#body[name] ?? undefined;
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#fail(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.#body[name];
    return typeof value === "string" ? value : undefined;
  }

  number(name: string): number {
    const value = this.#body[name];
    return typeof value === "number" ? value : this.#fail(name);
  }

  list(name: string): readonly unknown[] {
    const value = this.#body[name];
    return Array.isArray(value) ? value : this.#fail(name);
  }

  sequenceNumbers(): number[] {
    return this.list("sequence-numbers").map(Number);
  }

  lockTokens(): string[] {
    return this.list("lock-tokens").map((token) =>
      Buffer.isBuffer(token) ? toUuidText(token) : this.#fail("lock-tokens"),
    );
  }

  #fail(name: string): never {
    throw new BrokerError("com.microsoft:argument-error", `The request lacks a valid '${name}'.`);
  }
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function done(body?: Readonly<Record<string, unknown>>): Result {
  return { statusCode: 200, body };
}

function peek(fields: Fields): Result {
  const count = Math.min(fields.number("message-count"), maxPeekCount);
  const queue = fields.broker.requireQueue(fields.entityPath);
  const from = fields.number("from-sequence-number");
  const messages = queue.peek(from, count, fields.optionalText("session-id"));
  if (messages.length === 0) return { statusCode: 204, body: undefined };
  return done({
    messages: messages.map((message) => ({ message: types.wrap_binary(toBytes(message)) })),
  });
}

function renewLocks(fields: Fields): Result {
  const queue = fields.broker.requireQueue(fields.entityPath);
  const expirations = fields.lockTokens().map((token) => queue.renewLock(token));
  return done({ expirations: toArray(expirations, timestampTypeCode) });
}

function schedule(fields: Fields): Result {
  const entity = fields.broker.requireEntity(fields.entityPath);
  const messages = fields.list("messages").map((entry) => {
    const { message } = toRecord(entry);
    if (!Buffer.isBuffer(message)) {
      throw new BrokerError("com.microsoft:argument-error", "A scheduled message has no bytes.");
    }
    requireSize(message.length, fields.broker.maxMessageBytesOf(entity));
    return toRawMessage(message);
  });
  return done({ "sequence-numbers": toArray(entity.schedule(messages), longTypeCode) });
}

function cancelScheduled(fields: Fields): Result {
  fields.broker.requireEntity(fields.entityPath).cancelScheduled(fields.sequenceNumbers());
  return done();
}

function receiveDeferred(fields: Fields): Result {
  const queue = fields.broker.requireQueue(fields.entityPath);
  const mode = fields.number("receiver-settle-mode") === 0 ? "receiveAndDelete" : "peekLock";
  const sessionId = fields.optionalText("session-id");
  const deliveries = queue.receiveDeferred(fields.sequenceNumbers(), mode, sessionId);
  return done({
    messages: deliveries.map(({ message, lockToken }) => ({
      message: types.wrap_binary(toBytes(message)),
      ...(lockToken === undefined ? {} : { "lock-token": types.wrap_uuid(toUuidBytes(lockToken)) }),
    })),
  });
}

function updateDisposition(fields: Fields): Result {
  const queue = fields.broker.requireQueue(fields.entityPath);
  const changes = toRecord(fields.value("properties-to-modify"));
  for (const token of fields.lockTokens()) {
    switch (fields.text("disposition-status")) {
      case "completed":
        queue.complete(token);
        break;
      case "abandoned":
        queue.abandon(token, changes);
        break;
      case "defered":
        queue.defer(token, changes);
        break;
      case "suspended":
        queue.deadLetter(token, {
          reason: fields.optionalText("deadletter-reason"),
          description: fields.optionalText("deadletter-description"),
          properties: changes,
        });
        break;
      default:
        throw new BrokerError("com.microsoft:argument-error", "Unknown disposition-status.");
    }
  }
  return done();
}

function renewSessionLock(fields: Fields): Result {
  const { sessions } = fields.broker.requireQueue(fields.entityPath);
  return done({ expiration: types.wrap_timestamp(sessions.renew(fields.text("session-id"))) });
}

function getSessionState(fields: Fields): Result {
  const { sessions } = fields.broker.requireQueue(fields.entityPath);
  const state = sessions.state(fields.text("session-id"));
  return done({ "session-state": state === undefined ? null : types.wrap_binary(state) });
}

function setSessionState(fields: Fields): Result {
  const { sessions } = fields.broker.requireQueue(fields.entityPath);
  const state = fields.value("session-state");
  sessions.setState(fields.text("session-id"), Buffer.isBuffer(state) ? state : undefined);
  return done();
}

function addRule(fields: Fields): Result {
  const inputs = toRuleInputs(fields.value("rule-description"));
  requireSubscription(fields).addRule(fields.text("rule-name"), inputs);
  return done();
}

function removeRule(fields: Fields): Result {
  requireSubscription(fields).removeRule(fields.text("rule-name"));
  return done();
}

function enumerateRules(fields: Fields): Result {
  const skip = Number(fields.value("skip") ?? 0);
  const top = Number(fields.value("top") ?? maxPeekCount);
  const rules = requireSubscription(fields)
    .rules()
    .slice(skip, skip + top);
  if (rules.length === 0) return { statusCode: 204, body: undefined };
  return done({ rules: listRules(rules) });
}

function requireSubscription(fields: Fields): Subscription {
  const match = /^(.+)\/subscriptions\/([^/]+)$/i.exec(fields.entityPath);
  const topic = match === null ? undefined : fields.broker.findEntity(match[1] ?? "");
  if (match === null || !(topic instanceof Topic)) {
    throw new BrokerError("amqp:not-allowed", `${fields.entityPath} has no rules.`);
  }
  return fields.broker.subscription(topic.name, match[2] ?? "");
}

function toArray(values: readonly number[], typeCode: number): unknown {
  return types.wrap_array(values, typeCode, undefined);
}

function toStatusCode(condition: BrokerCondition): number {
  switch (condition) {
    case "amqp:not-found":
    case "com.microsoft:message-not-found":
      return 404;
    case "com.microsoft:message-lock-lost":
    case "com.microsoft:session-lock-lost":
      return 410;
    case "com.microsoft:entity-already-exists":
      return 409;
    case "com.microsoft:timeout":
      return 408;
    case "amqp:unauthorized-access":
      return 401;
    case "amqp:not-implemented":
      return 501;
    default:
      return 400;
  }
}
