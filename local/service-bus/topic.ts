import { BrokerError } from "./broker-error.ts";
import { EntityIntake } from "./entity-intake.ts";
import type { EntityStatus, QueueSettings, TopicSettings } from "./entity-properties.ts";
import { FilterView } from "./filter-view.ts";
import { MessageQueue } from "./message-queue.ts";
import type { Namespace } from "./namespace.ts";
import type { RawMessage } from "./raw-message.ts";
import { toRule, trueFilter, type Rule, type RuleInputs } from "./rules.ts";
import { FilterException } from "./sql-evaluator.ts";
import type { Arrival } from "./stored-message.ts";
import { WakeUp } from "./wake-up.ts";

/** A queue behind a topic with the rules that decide what comes into it. */
export class Subscription {
  readonly name: string;
  readonly queue: MessageQueue;
  readonly #namespace: Namespace;
  readonly #rules = new Map<string, Rule>();

  constructor(topic: string, name: string, settings: QueueSettings, namespace: Namespace) {
    this.name = name;
    this.#namespace = namespace;
    const path = `${topic}/Subscriptions/${name}`;
    this.queue = new MessageQueue({ namespace, path, settings, kind: "entity" });
    this.setRule("$Default", trueFilter);
  }

  /** By name, in the order in which the service lists them. */
  rules(): Rule[] {
    return [...this.#rules.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  setRule(name: string, inputs: RuleInputs): void {
    this.#rules.set(name, toRule(name, inputs, this.#namespace.clock.now()));
  }

  addRule(name: string, inputs: RuleInputs): void {
    if (this.#rules.has(name)) {
      throw new BrokerError(
        "com.microsoft:entity-already-exists",
        `The rule '${name}' exists already on ${this.queue.path}.`,
      );
    }
    this.setRule(name, inputs);
  }

  removeRule(name: string): void {
    if (this.#rules.delete(name)) return;
    throw new BrokerError(
      "com.microsoft:message-not-found",
      `${this.queue.path} has no rule '${name}'.`,
    );
  }

  /** Rules without an action give one copy together, each rule with one gives its own. */
  offer(arrival: Arrival, view: FilterView): void {
    let isWanted = false;
    for (const rule of this.#rules.values()) {
      try {
        if (!rule.matches(view)) continue;
        if (rule.apply === undefined) isWanted = true;
        else this.queue.admit({ ...arrival, raw: rule.apply(arrival.raw) });
      } catch (error) {
        this.#reject(arrival, error);
      }
    }
    if (isWanted) this.queue.admit(arrival);
  }

  #reject(arrival: Arrival, error: unknown): void {
    if (!(error instanceof FilterException)) throw error;
    if (!this.queue.settings.deadLetteringOnFilterErrors) return;
    this.queue.rejectArrival(arrival, {
      reason: error.name,
      description: error.message,
      properties: {},
    });
  }
}

/** Copies what is sent to it into its subscriptions; holds only what is scheduled for later. */
export class Topic {
  readonly name: string;
  readonly settings: TopicSettings;
  status: EntityStatus;
  readonly subscriptions = new Map<string, Subscription>();
  readonly #namespace: Namespace;
  readonly #intake: EntityIntake;
  readonly #wakeUp: WakeUp;
  #lastSequenceNumber = 0;

  constructor(name: string, settings: TopicSettings, namespace: Namespace) {
    this.name = name;
    this.settings = settings;
    this.status = settings.status;
    this.#namespace = namespace;
    this.#wakeUp = new WakeUp(namespace.clock, () => this.#intake.admitDue(namespace.clock.now()));
    this.#intake = new EntityIntake({
      namespace,
      duplicateWindowMs: settings.duplicateWindowMs,
      nextSequenceNumber: () => this.#nextSequenceNumber(),
      admit: (arrival) => this.#publish(arrival),
      wake: (atMs) => this.#wakeUp.notLaterThan(atMs),
    });
  }

  get path(): string {
    return this.name;
  }

  get scheduledCount(): number {
    return this.#intake.scheduledCount;
  }

  accept(arrivals: readonly Arrival[]): void {
    this.#requireSending();
    for (const arrival of arrivals) this.#intake.accept(arrival);
  }

  schedule(messages: readonly RawMessage[]): number[] {
    this.#requireSending();
    return messages.map((raw) => this.#intake.schedule(raw));
  }

  cancelScheduled(sequenceNumbers: readonly number[]): void {
    this.#intake.cancel(sequenceNumbers);
  }

  addSubscription(name: string, settings: QueueSettings): Subscription {
    const subscription = new Subscription(this.name, name, settings, this.#namespace);
    this.subscriptions.set(name.toLowerCase(), subscription);
    return subscription;
  }

  close(): void {
    this.#wakeUp.cancel();
    for (const { queue } of this.subscriptions.values()) queue.close();
  }

  #nextSequenceNumber(): number {
    this.#lastSequenceNumber += 1;
    return this.#lastSequenceNumber;
  }

  #requireSending(): void {
    if (this.status === "Active" || this.status === "ReceiveDisabled") return;
    throw new BrokerError("com.microsoft:entity-disabled", `${this.name} takes no messages.`);
  }

  #publish(arrival: Arrival): void {
    const view = new FilterView(arrival.raw);
    const copy: Arrival = {
      ...arrival,
      raw: this.#withTimeToLive(arrival.raw),
      enqueuedSequenceNumber: arrival.enqueuedSequenceNumber ?? this.#nextSequenceNumber(),
    };
    for (const subscription of this.subscriptions.values()) subscription.offer(copy, view);
  }

  #withTimeToLive(raw: RawMessage): RawMessage {
    const timeToLiveMs = Math.min(raw.timeToLiveMs ?? Infinity, this.settings.timeToLiveMs);
    return timeToLiveMs === Infinity ? raw : { ...raw, timeToLiveMs };
  }
}
