/**
 * Service Bus messages as the genuine host hands them to a worker (WebJobs Service Bus extension 5.x):
 * its names and types, what it leaves out, and the traps that an app must survive (see the comments).
 */
import type { ServiceBusReceivedMessage } from "@azure/service-bus";
import type { RpcLong, RpcTypedData, TriggerMetadata } from "./rpc-types.ts";

export type ReceivedMessage = Pick<
  ServiceBusReceivedMessage,
  | "body"
  | "messageId"
  | "contentType"
  | "correlationId"
  | "subject"
  | "to"
  | "replyTo"
  | "replyToSessionId"
  | "sessionId"
  | "partitionKey"
  | "applicationProperties"
  | "deliveryCount"
  | "lockToken"
  | "sequenceNumber"
  | "enqueuedTimeUtc"
  | "expiresAtUtc"
  | "deadLetterSource"
>;

interface Trigger {
  readonly input: RpcTypedData;
  readonly triggerMetadata: TriggerMetadata;
}

/** Cardinality one. */
export function toSingleTrigger(message: ReceivedMessage): Trigger {
  const body = toBodyText(message.body);
  const metadata: Record<string, RpcTypedData> = {};
  for (const [name, value] of Object.entries(toTexts(message))) {
    // Null values are left out by the host: an absent value is an absent key.
    if (value !== undefined && value !== "") metadata[name] = { string: value };
  }
  for (const [name, value] of Object.entries(toValues(message))) {
    metadata[name] = { json: JSON.stringify(value) };
  }
  metadata["SequenceNumber"] = { json: message.sequenceNumber?.toString() ?? "0" };
  return { input: { string: body }, triggerMetadata: overlayBody(metadata, body) };
}

/** Cardinality many. */
export function toBatchTrigger(messages: readonly ReceivedMessage[]): Trigger {
  const metadata: Record<string, RpcTypedData> = {};
  const texts = messages.map(toTexts);
  for (const name of TEXT_NAMES) {
    metadata[`${name}Array`] = toCollection(texts.map((values) => values[name]));
  }
  const values = messages.map(toValues);
  for (const name of VALUE_NAMES) {
    metadata[`${name}Array`] = { json: JSON.stringify(values.map((one) => one[name])) };
  }
  metadata["SequenceNumberArray"] = {
    collectionSint64: { sint64: messages.map((message) => toLong(message.sequenceNumber)) },
  };
  return {
    input: toCollection(messages.map((message) => toBodyText(message.body))),
    triggerMetadata: metadata,
  };
}

/** A string[] loses its null and empty entries on the way: indexes of two arrays need not line up. */
function toCollection(texts: readonly (string | undefined)[]): RpcTypedData {
  const kept = texts.filter((text): text is string => text !== undefined && text !== "");
  return { collectionString: { string: kept } };
}

const TEXT_NAMES = [
  "DeadLetterSource",
  "LockToken",
  "MessageId",
  "ContentType",
  "ReplyTo",
  "To",
  "Subject",
  "Label",
  "CorrelationId",
  "SessionId",
  "ReplyToSessionId",
  "PartitionKey",
  "TransactionPartitionKey",
] as const;

const VALUE_NAMES = [
  "DeliveryCount",
  "ExpiresAtUtc",
  "ExpiresAt",
  "EnqueuedTimeUtc",
  "EnqueuedTime",
  "ApplicationProperties",
  "UserProperties",
] as const;

function toTexts(
  message: ReceivedMessage,
): Record<(typeof TEXT_NAMES)[number], string | undefined> {
  return {
    DeadLetterSource: message.deadLetterSource,
    LockToken: message.lockToken,
    MessageId: message.messageId?.toString(),
    ContentType: message.contentType,
    ReplyTo: message.replyTo,
    To: message.to,
    Subject: message.subject,
    Label: message.subject,
    CorrelationId: message.correlationId?.toString(),
    SessionId: message.sessionId,
    ReplyToSessionId: message.replyToSessionId,
    PartitionKey: message.partitionKey,
    TransactionPartitionKey: undefined,
  };
}

function toValues(message: ReceivedMessage): Record<(typeof VALUE_NAMES)[number], unknown> {
  const properties = message.applicationProperties ?? {};
  return {
    // The SDK counts earlier deliveries; the host shows the number of this one.
    DeliveryCount: (message.deliveryCount ?? 0) + 1,
    ExpiresAtUtc: toDateTime(message.expiresAtUtc),
    ExpiresAt: toDateTimeOffset(message.expiresAtUtc),
    EnqueuedTimeUtc: toDateTime(message.enqueuedTimeUtc),
    EnqueuedTime: toDateTimeOffset(message.enqueuedTimeUtc),
    ApplicationProperties: properties,
    UserProperties: properties,
  };
}

/** .NET's DateTime of unspecified kind: no `Z`, so that `new Date(text)` reads it as local time. */
function toDateTime(date: Date | undefined): string {
  return toWireTime(date);
}

function toDateTimeOffset(date: Date | undefined): string {
  return `${toWireTime(date)}+00:00`;
}

function toWireTime(date: Date | undefined): string {
  const time = (date ?? new Date(0)).toISOString();
  return time.replace(/(\.\d*?)0*Z$/, "$1").replace(/\.$/, "");
}

function toLong(value: ReceivedMessage["sequenceNumber"]): RpcLong {
  const bits = BigInt.asIntN(64, BigInt(value?.toString() ?? "0"));
  return {
    low: Number(BigInt.asIntN(32, bits)),
    high: Number(bits >> 32n),
    unsigned: false,
  };
}

/** The SDK parses a JSON body; the host hands over the text that was sent. */
function toBodyText(body: unknown): string {
  if (body === undefined || body === null) return "";
  if (typeof body === "string") return body;
  if (body instanceof Uint8Array) return Buffer.from(body).toString("utf8");
  return JSON.stringify(body);
}

/**
 * The host merges the top-level members of a JSON object body into the metadata, ignoring case, and the
 * body wins: `{"messageId":"x"}` changes what the function sees as the message id.
 */
function overlayBody(
  metadata: Record<string, RpcTypedData>,
  body: string,
): Record<string, RpcTypedData> {
  const members = parseObject(body);
  if (members === undefined) return metadata;
  const names = new Map(Object.keys(metadata).map((name) => [name.toLowerCase(), name]));
  for (const [name, value] of Object.entries(members)) {
    if (Array.isArray(value)) continue;
    const target = names.get(name.toLowerCase()) ?? name;
    const data = toBindingData(value);
    if (data === undefined) Reflect.deleteProperty(metadata, target);
    else metadata[target] = data;
  }
  return metadata;
}

function toBindingData(value: unknown): RpcTypedData | undefined {
  if (value === null || value === "") return undefined;
  if (typeof value === "object") return { json: JSON.stringify(value) };
  if (typeof value === "boolean") return { string: value ? "True" : "False" };
  return { string: typeof value === "string" ? value : JSON.stringify(value) };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
