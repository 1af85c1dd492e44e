import { randomBytes } from "node:crypto";

import type { LocalClock } from "../clock.ts";
import type { AmqpValue } from "./amqp-value.ts";
import { BrokerError, toEntityNotFound } from "./broker-error.ts";
import {
  toQueueSettings,
  toSubscriptionSettings,
  toTopicSettings,
  type EntityInputs,
  type EntityStatus,
} from "./entity-properties.ts";
import { toRawFromInProcess, type InProcessMessage } from "./in-process-message.ts";
import { MessageQueue, type EntityCounts } from "./message-queue.ts";
import type { Namespace } from "./namespace.ts";
import { readApplicationProperties, readBody, readProperties } from "./raw-message.ts";
import type { RuleInputs } from "./rules.ts";
import {
  toPeekedState,
  type Arrival,
  type PeekedState,
  type StoredMessage,
} from "./stored-message.ts";
import { Topic, type Subscription } from "./topic.ts";

export type Right = "Send" | "Listen" | "Manage";

export interface AuthorizationRule {
  readonly name: string;
  readonly key: string;
  readonly rights: readonly Right[];
  /** A queue or topic; absent for a rule of the whole namespace. */
  readonly entity?: string;
}

export interface BrokerOptions {
  readonly clock: LocalClock;
  readonly log: (line: string) => void;
  /** Largest message or batch where an entity has no limit of its own. */
  readonly maxMessageBytes?: number;
}

/** A message as people and tests look at it. */
export interface PeekedMessage {
  readonly sequenceNumber: number;
  readonly messageId: string;
  readonly correlationId: string | undefined;
  readonly subject: string | undefined;
  readonly contentType: string | undefined;
  readonly sessionId: string | undefined;
  readonly applicationProperties: Readonly<Record<string, AmqpValue>>;
  readonly body: Buffer;
  readonly state: PeekedState;
  readonly deliveryCount: number;
  readonly enqueuedAtMs: number;
  readonly lockedUntilMs: number | undefined;
  readonly deadLetterSource: string | undefined;
}

// https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas: Standard tier
const standardMaxMessageBytes = 262_144;

export function createBroker(options: BrokerOptions): Broker {
  return new Broker(options);
}

/**
 * A Service Bus namespace in memory: its entities, its keys and the ways between entities. Knows no
 * sockets; time passes only by the clock that it is given.
 */
export class Broker {
  readonly clock: LocalClock;
  readonly log: (line: string) => void;
  readonly #maxMessageBytes: number;
  readonly #namespace: Namespace;
  readonly #entities = new Map<string, MessageQueue | Topic>();
  readonly #authorizationRules: AuthorizationRule[] = [];
  readonly #awaited = new Map<string, Set<() => void>>();
  #detectsDuplicates = true;
  #duplicatesLetIn = 0;
  #activity = 0;

  constructor(options: BrokerOptions) {
    const { clock, log } = options;
    this.clock = clock;
    this.log = log;
    this.#maxMessageBytes = options.maxMessageBytes ?? standardMaxMessageBytes;
    const detectsDuplicates = (): boolean => this.#detectsDuplicates;
    this.#namespace = {
      clock,
      log,
      get detectsDuplicates() {
        return detectsDuplicates();
      },
      forward: (targetPath, arrival) => this.#forward(targetPath, arrival),
      onActivity: () => (this.#activity += 1),
      onDuplicateLetIn: () => (this.#duplicatesLetIn += 1),
    };
    // A namespace in Azure has this rule from the start.
    this.addAuthorizationRule({
      name: "RootManageSharedAccessKey",
      key: randomBytes(32).toString("base64"),
      rights: ["Manage", "Send", "Listen"],
    });
  }

  // ---- entities ----

  createQueue(name: string, props: EntityInputs = {}): void {
    const settings = toQueueSettings(`queue ${name}`, props);
    const namespace = this.#namespace;
    this.#add(name, new MessageQueue({ namespace, path: name, settings, kind: "entity" }));
  }

  createTopic(name: string, props: EntityInputs = {}): void {
    this.#add(name, new Topic(name, toTopicSettings(`topic ${name}`, props), this.#namespace));
  }

  createSubscription(topic: string, name: string, props: EntityInputs = {}): void {
    const settings = toSubscriptionSettings(`subscription ${topic}/${name}`, props);
    const owner = this.#requireTopic(topic);
    if (owner.subscriptions.has(name.toLowerCase())) throw alreadyExists(`${topic}/${name}`);
    owner.addSubscription(name, settings);
  }

  /** Creates or replaces a rule; `$Default` is a new subscription's rule that lets all through. */
  setRule(topic: string, subscription: string, ruleName: string, rule: RuleInputs): void {
    this.subscription(topic, subscription).setRule(ruleName, rule);
  }

  setStatus(entityPath: string, status: EntityStatus): void {
    this.requireEntity(entityPath).status = status;
  }

  /** Adds a key or replaces the one of that name and entity. */
  addAuthorizationRule(rule: AuthorizationRule): void {
    const at = this.#authorizationRules.findIndex(
      (known) => known.name === rule.name && isSamePath(known.entity, rule.entity),
    );
    if (at >= 0) this.#authorizationRules.splice(at, 1);
    this.#authorizationRules.push(rule);
  }

  /** Rules of that name that hold for the entity: its own, then the namespace's. */
  authorizationRules(name: string, entityPath?: string): AuthorizationRule[] {
    const owner = entityPath?.split("/")[0];
    const named = this.#authorizationRules.filter((rule) => rule.name === name);
    const own = named.filter((rule) => rule.entity !== undefined && isSamePath(rule.entity, owner));
    return [...own, ...named.filter((rule) => rule.entity === undefined)];
  }

  authorizationRule(name: string): AuthorizationRule | undefined {
    return this.#authorizationRules.find((rule) => rule.name === name);
  }

  /** Off in fault runs, which prove that nothing rests on duplicate detection. */
  setDuplicateDetectionEnabled(enabled: boolean): void {
    this.#detectsDuplicates = enabled;
  }

  /** Messages that duplicate detection would have dropped, and that came in because it was off. */
  get duplicatesLetIn(): number {
    return this.#duplicatesLetIn;
  }

  /** What a restart or a move of the namespace costs: every lock; the messages come again. How many there were. */
  loseLocks(): number {
    return this.#queues().reduce((sum, queue) => sum + queue.loseLocks(), 0);
  }

  // ---- messages ----

  /**
   * Calls `listener` once, when the entity has taken the next message: a sender that dies then has sent it. What it
   * gives back ends the waiting.
   */
  onNextArrival(entityPath: string, listener: () => void): () => void {
    const listeners = this.#awaited.get(entityPath) ?? new Set();
    this.#awaited.set(entityPath, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /** Sends from inside the local Azure to a queue or topic, without a connection or a token. */
  send(entity: string, message: InProcessMessage): void {
    this.sendRaw(entity, [{ raw: toRawFromInProcess(message), hops: 0 }]);
  }

  sendRaw(entityPath: string, arrivals: readonly Arrival[]): void {
    const entity = this.requireEntity(entityPath);
    const maxBytes = this.maxMessageBytesOf(entity);
    for (const { raw } of arrivals) requireSize(raw.bare.length + raw.annotations.length, maxBytes);
    this.accept(entityPath, arrivals);
  }

  /** Takes messages whose sizes were looked at. */
  accept(entityPath: string, arrivals: readonly Arrival[]): void {
    this.requireEntity(entityPath).accept(arrivals);
    const listeners = this.#awaited.get(entityPath);
    this.#awaited.delete(entityPath);
    for (const listener of listeners ?? []) listener();
  }

  counts(entityPath: string): EntityCounts {
    const entity = this.requireEntity(entityPath);
    if (entity instanceof MessageQueue) return entity.counts();
    return { active: 0, deadLetter: 0, scheduled: entity.scheduledCount, deferred: 0 };
  }

  /** The first `n` messages of a queue, subscription or dead-letter queue, left where they are. */
  peek(entityPath: string, n: number): PeekedMessage[] {
    return this.requireQueue(entityPath).peek(0, n).map(toPeekedMessage);
  }

  /** Rises with every message that comes, goes or is handed out. */
  get activity(): number {
    return this.#activity;
  }

  /** Messages that wait for a receiver or are locked by one; dead-letter queues are left out. */
  get activeCount(): number {
    return this.#queues().reduce((sum, queue) => sum + queue.counts().active, 0);
  }

  // ---- for the servers in front of it ----

  /**
   * The queue or topic at a path as clients write it, ignoring case: `queue`, `topic`,
   * `topic/Subscriptions/name`, and `…/$DeadLetterQueue` or `…/$Transfer/$DeadLetterQueue` behind a
   * queue or subscription. Undefined when there is none.
   */
  findEntity(path: string): MessageQueue | Topic | undefined {
    const segments = path.toLowerCase().split("/");
    const isLetters = segments.at(-1) === "$deadletterqueue";
    if (isLetters) segments.pop();
    const isTransfer = isLetters && segments.at(-1) === "$transfer";
    if (isTransfer) segments.pop();
    const owner = this.#findOwner(segments);
    if (!isLetters) return owner;
    if (!(owner instanceof MessageQueue)) return undefined;
    return isTransfer ? owner.transferDeadLetters : owner.deadLetters;
  }

  isTopic(path: string): boolean {
    return this.findEntity(path) instanceof Topic;
  }

  requireEntity(path: string, host = "localhost"): MessageQueue | Topic {
    const entity = this.findEntity(path);
    if (entity === undefined) throw toEntityNotFound(host, path);
    return entity;
  }

  requireQueue(path: string): MessageQueue {
    const entity = this.requireEntity(path);
    if (entity instanceof MessageQueue) return entity;
    throw new BrokerError("amqp:not-allowed", `${path} is a topic; receive from a subscription.`);
  }

  subscription(topic: string, name: string): Subscription {
    const found = this.#requireTopic(topic).subscriptions.get(name.toLowerCase());
    if (found === undefined) throw toEntityNotFound("localhost", `${topic}/Subscriptions/${name}`);
    return found;
  }

  /** Largest message or batch that the entity takes. */
  maxMessageBytesOf(entity: MessageQueue | Topic): number {
    return entity.settings.maxMessageBytes ?? this.#maxMessageBytes;
  }

  /** Stops all timers; the broker is not used afterwards. */
  close(): void {
    for (const entity of this.#entities.values()) entity.close();
  }

  #findOwner(segments: readonly string[]): MessageQueue | Topic | undefined {
    const at = segments.indexOf("subscriptions");
    if (at < 1) return this.#entities.get(segments.join("/"));
    const topic = this.#entities.get(segments.slice(0, at).join("/"));
    if (!(topic instanceof Topic)) return undefined;
    return topic.subscriptions.get(segments.slice(at + 1).join("/"))?.queue;
  }

  #queues(): MessageQueue[] {
    return [...this.#entities.values()].flatMap((entity) =>
      entity instanceof MessageQueue
        ? [entity]
        : [...entity.subscriptions.values()].map(({ queue }) => queue),
    );
  }

  #requireTopic(name: string): Topic {
    const entity = this.requireEntity(name);
    if (entity instanceof Topic) return entity;
    throw new BrokerError("com.microsoft:invalid-definition", `${name} is not a topic.`);
  }

  #add(name: string, entity: MessageQueue | Topic): void {
    if (this.#entities.has(name.toLowerCase())) throw alreadyExists(name);
    this.#entities.set(name.toLowerCase(), entity);
  }

  #forward(targetPath: string, arrival: Arrival): void {
    this.requireEntity(targetPath).accept([arrival]);
  }
}

export function requireSize(bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new BrokerError(
    "amqp:link:message-size-exceeded",
    `The received message (${bytes} bytes) exceeds the limit (${maxBytes} bytes).`,
  );
}

function isSamePath(left: string | undefined, right: string | undefined): boolean {
  return left?.toLowerCase() === right?.toLowerCase();
}

function alreadyExists(path: string): BrokerError {
  return new BrokerError("com.microsoft:entity-already-exists", `${path} exists already.`);
}

function toPeekedMessage(message: StoredMessage): PeekedMessage {
  const { raw } = message;
  const { correlationId, subject, contentType } = readProperties(raw);
  return {
    sequenceNumber: message.sequenceNumber,
    messageId: raw.messageId,
    correlationId,
    subject,
    contentType,
    sessionId: raw.sessionId,
    applicationProperties: Object.fromEntries(readApplicationProperties(raw)),
    body: readBody(raw),
    state: toPeekedState(message),
    deliveryCount: message.deliveryCount,
    enqueuedAtMs: message.enqueuedAtMs,
    lockedUntilMs: message.lockedUntilMs,
    deadLetterSource: message.deadLetterSource,
  };
}
