import { BrokerError } from "./broker-error.ts";

const statuses = ["Active", "Disabled", "SendDisabled", "ReceiveDisabled"] as const;
export type EntityStatus = (typeof statuses)[number];

/** Settings of a queue or subscription, in the units that the broker works in. */
export interface QueueSettings {
  readonly lockMs: number;
  readonly maxDeliveryCount: number;
  /** Infinity when nothing expires by default. */
  readonly timeToLiveMs: number;
  readonly deadLetteringOnExpiration: boolean;
  readonly deadLetteringOnFilterErrors: boolean;
  /** Undefined without duplicate detection. */
  readonly duplicateWindowMs: number | undefined;
  readonly forwardTo: string | undefined;
  readonly forwardDeadLettersTo: string | undefined;
  readonly requiresSession: boolean;
  readonly maxMessageBytes: number | undefined;
  readonly status: EntityStatus;
}

export interface TopicSettings {
  readonly timeToLiveMs: number;
  readonly duplicateWindowMs: number | undefined;
  readonly maxMessageBytes: number | undefined;
  readonly status: EntityStatus;
}

/** Inputs of `servicebus.Queue`, `Topic` and `Subscription` of Pulumi's azure-native provider. */
export type EntityInputs = Readonly<Record<string, unknown>>;

/** Accepted and without effect here: they choose hardware, cost or clean-up, not behaviour. */
const withoutEffect = [
  "autoDeleteOnIdle",
  "enableBatchedOperations",
  "enableExpress",
  "enablePartitioning",
  "maxSizeInMegabytes",
  "userMetadata",
  "supportOrdering",
  // where the resource is; the broker gets names as arguments
  "namespaceName",
  "resourceGroupName",
  "queueName",
  "topicName",
  "subscriptionName",
];
const shared = ["defaultMessageTimeToLive", "status", ...withoutEffect];
const detection = ["requiresDuplicateDetection", "duplicateDetectionHistoryTimeWindow"];
const consumed = [
  "lockDuration",
  "maxDeliveryCount",
  "deadLetteringOnMessageExpiration",
  "forwardTo",
  "forwardDeadLetteredMessagesTo",
  "requiresSession",
];

const queueInputs = new Set([...shared, ...detection, ...consumed, "maxMessageSizeInKilobytes"]);
const topicInputs = new Set([...shared, ...detection, "maxMessageSizeInKilobytes"]);
const subscriptionInputs = new Set([
  ...shared,
  ...consumed,
  "deadLetteringOnFilterEvaluationExceptions",
  "duplicateDetectionHistoryTimeWindow",
]);

const minuteMs = 60_000;
const dayMs = 86_400_000;

export function toQueueSettings(entity: string, inputs: EntityInputs): QueueSettings {
  return readQueueSettings(new InputReader(entity, inputs, queueInputs));
}

export function toSubscriptionSettings(entity: string, inputs: EntityInputs): QueueSettings {
  return readQueueSettings(new InputReader(entity, inputs, subscriptionInputs));
}

export function toTopicSettings(entity: string, inputs: EntityInputs): TopicSettings {
  const reader = new InputReader(entity, inputs, topicInputs);
  return {
    timeToLiveMs: reader.duration("defaultMessageTimeToLive", Infinity, 1_000, Infinity),
    duplicateWindowMs: readDuplicateWindow(reader),
    maxMessageBytes: readMaxMessageBytes(reader),
    status: reader.status(),
  };
}

function readQueueSettings(reader: InputReader): QueueSettings {
  return {
    // https://learn.microsoft.com/azure/service-bus-messaging/message-transfers-locks-settlement: at most PT5M
    lockMs: reader.duration("lockDuration", minuteMs, 1, 5 * minuteMs),
    maxDeliveryCount: reader.integer("maxDeliveryCount", 10, 1, 2_000_000_000),
    timeToLiveMs: reader.duration("defaultMessageTimeToLive", Infinity, 1, Infinity),
    deadLetteringOnExpiration: reader.flag("deadLetteringOnMessageExpiration", false),
    deadLetteringOnFilterErrors: reader.flag("deadLetteringOnFilterEvaluationExceptions", true),
    duplicateWindowMs: readDuplicateWindow(reader),
    forwardTo: reader.text("forwardTo"),
    forwardDeadLettersTo: reader.text("forwardDeadLetteredMessagesTo"),
    requiresSession: reader.flag("requiresSession", false),
    maxMessageBytes: readMaxMessageBytes(reader),
    status: reader.status(),
  };
}

function readDuplicateWindow(reader: InputReader): number | undefined {
  const name = "duplicateDetectionHistoryTimeWindow";
  const windowMs = reader.duration(name, 10 * minuteMs, 20_000, 7 * dayMs);
  return reader.flag("requiresDuplicateDetection", false) ? windowMs : undefined;
}

function readMaxMessageBytes(reader: InputReader): number | undefined {
  const kilobytes = reader.integer("maxMessageSizeInKilobytes", 0, 0, 102_400);
  return kilobytes === 0 ? undefined : kilobytes * 1024;
}

class InputReader {
  readonly #entity: string;
  readonly #inputs: EntityInputs;

  constructor(entity: string, inputs: EntityInputs, known: ReadonlySet<string>) {
    this.#entity = entity;
    this.#inputs = inputs;
    const unknown = Object.keys(inputs).filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new BrokerError(
        "com.microsoft:invalid-definition",
        `${entity}: unknown ${unknown.length === 1 ? "property" : "properties"} ${unknown.join(", ")}.`,
      );
    }
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.#inputs[name] ?? fallback;
    if (typeof value !== "boolean") throw this.#invalid(name, "true or false");
    return value;
  }

  integer(name: string, fallback: number, min: number, max: number): number {
    const value = this.#inputs[name] ?? fallback;
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      throw this.#invalid(name, `a whole number from ${min} to ${max}`);
    }
    return value;
  }

  text(name: string): string | undefined {
    const value = this.#inputs[name];
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value !== "string") throw this.#invalid(name, "a name");
    return value;
  }

  duration(name: string, fallbackMs: number, minMs: number, maxMs: number): number {
    const value = this.#inputs[name];
    if (value === undefined || value === null) return fallbackMs;
    const ms = typeof value === "string" ? toDurationMs(value) : undefined;
    if (ms === undefined || ms < minMs || ms > maxMs) {
      throw this.#invalid(name, `an ISO 8601 duration from ${minMs} ms to ${maxMs} ms`);
    }
    return ms;
  }

  status(): EntityStatus {
    const value = this.text("status") ?? "Active";
    const status = statuses.find((known) => known === value);
    if (status === undefined) throw this.#invalid("status", statuses.join(", "));
    return status;
  }

  #invalid(name: string, wanted: string): BrokerError {
    const given = JSON.stringify(this.#inputs[name]);
    return new BrokerError(
      "com.microsoft:invalid-definition",
      `${this.#entity}: property ${name} is ${given}; it must be ${wanted}.`,
    );
  }
}

const durationPattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Days, hours, minutes and seconds; Azure's largest time span (10675199 days) means never. */
function toDurationMs(text: string): number | undefined {
  const match = durationPattern.exec(text);
  if (match === null || text.endsWith("T") || text === "P") return undefined;
  const parts: readonly (string | undefined)[] = match.slice(1);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.map((part) => Number(part ?? 0));
  const ms = days * dayMs + hours * 3_600_000 + minutes * minuteMs + seconds * 1000;
  return days >= 10_675_199 ? Infinity : ms;
}
