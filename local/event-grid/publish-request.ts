import { isJsonObject } from "./grid-event.ts";
import type { EventSchema, GridEvent, JsonObject } from "./grid-event.ts";
import { PublishError } from "./publish-error.ts";

/** Limits: https://learn.microsoft.com/azure/event-grid/quotas-limits */
export const maxRequestBytes = 1024 * 1024;
const maxEventBytes = 1024 * 1024;
const maxEventsPerRequest = 5000;

export interface PublishRequest {
  readonly topicId: string;
  readonly inputSchema: EventSchema;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Event Grid's own names of the two schemas, as its messages use them. */
const schemaNames: Readonly<Record<EventSchema, string>> = {
  EventGridSchema: "EventGridEvent",
  CloudEventSchemaV1_0: "CloudEventV10",
};
const requiredAttributes =
  "Please check required attributes at https://github.com/cloudevents/spec/blob/v1.0/spec.md#required-attributes";

/**
 * The events of a request, stamped as the service does, or a PublishError: size, content type, JSON, empty
 * array, each event's size, then properties, in the order in which Azure looks.
 */
export function readPublishRequest(request: PublishRequest): readonly GridEvent[] {
  if (request.body.byteLength > maxRequestBytes) throw tooLarge(maxRequestBytes);
  const events =
    request.inputSchema === "EventGridSchema"
      ? readArray(parseJson(request), "EventGridSchema")
      : readCloudEvents(request);
  if (events.length === 0) {
    throw invalid("This resource is configured to receive at least one event; the array is empty.");
  }
  if (events.length > maxEventsPerRequest) throw tooLarge(maxEventsPerRequest);
  for (const event of events) {
    // With one event the request's size has said it already.
    if (events.length > 1 && Buffer.byteLength(JSON.stringify(event)) > maxEventBytes) {
      throw tooLarge(maxEventBytes);
    }
  }
  return request.inputSchema === "EventGridSchema"
    ? events.map((event) => stampEventGridEvent(event, request.topicId))
    : events.map((event) => checkCloudEvent(event));
}

function parseJson({ body, inputSchema }: PublishRequest): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw invalid(
      `This resource is configured to receive event in '${schemaNames[inputSchema]}' schema. The JSON received does not conform to the expected schema. The body is not valid JSON.`,
    );
  }
}

function readArray(value: unknown, schema: EventSchema): readonly JsonObject[] {
  if (!Array.isArray(value)) throw wrongShape(schema, "StartArray", value);
  return value.map((item: unknown) => {
    if (!isJsonObject(item)) throw wrongShape(schema, "StartObject", item);
    return item;
  });
}

function readCloudEvents(request: PublishRequest): readonly JsonObject[] {
  const contentType = (request.headers.get("content-type") ?? "")
    .split(";")[0]
    ?.trim()
    .toLowerCase();
  const isBinary = [...request.headers.keys()].some((name) => name.startsWith("ce-"));
  const structured = ["application/cloudevents+json", "application/cloudevents-batch+json"];
  if (contentType === undefined || ![...structured, "application/json"].includes(contentType)) {
    throw new PublishError(
      "UnsupportedMediaType",
      "InvalidContentType",
      `The Content-Type header is either missing or it doesn't have a valid value. The content type header must either be ${structured.join(" or ")}.`,
    );
  }
  if (isBinary && contentType !== "application/json") {
    throw new PublishError(
      "BadRequest",
      "InvalidCloudEventHeader",
      "ce- headers cannot be combined with a structured content type.",
    );
  }
  const value = parseJson(request);
  if (isBinary) return [toBinaryModeEvent(request.headers, value)];
  if (contentType === "application/cloudevents-batch+json") {
    return readArray(value, "CloudEventSchemaV1_0");
  }
  if (!isJsonObject(value)) throw wrongShape("CloudEventSchemaV1_0", "StartObject", value);
  return [value];
}

function toBinaryModeEvent(headers: Headers, data: unknown): JsonObject {
  for (const name of ["ce-specversion", "ce-type", "ce-source", "ce-id"]) {
    const value = headers.get(name);
    if (value !== null && value !== "") continue;
    const what = value === null ? "missing" : "empty";
    const message = `${name} header is ${what} for the cloud event. ${requiredAttributes}`;
    throw new PublishError("BadRequest", "InvalidCloudEventHeader", message);
  }
  const event: Record<string, unknown> = { datacontenttype: "application/json", data };
  for (const [name, value] of headers) {
    if (name.startsWith("ce-")) event[name.slice("ce-".length)] = decodeURIComponent(value);
  }
  return event;
}

function stampEventGridEvent(event: JsonObject, topicId: string): GridEvent {
  for (const name of ["subject", "id", "eventType", "eventTime"]) {
    requireText(event, name, name, "EventGridSchema");
  }
  if (Number.isNaN(Date.parse(String(event["eventTime"])))) {
    throw invalid("The property 'eventTime' is not a valid ISO 8601 date and time.");
  }
  const { topic, metadataVersion, dataVersion } = event;
  if (typeof topic === "string" && topic !== "" && !isSameId(topic, topicId)) {
    const message = `The topic '${topic}' of the event is not the resource's own.`;
    throw new PublishError("Unauthorized", "Unauthorized", message);
  }
  if (metadataVersion != null && metadataVersion !== "1") {
    throw invalid("The property 'metadataVersion' must be '1' when it is set.");
  }
  const body = { ...event, topic: topicId, dataVersion: dataVersion ?? "", metadataVersion: "1" };
  return { schema: "EventGridSchema", body };
}

function checkCloudEvent(event: JsonObject): GridEvent {
  const schema = "CloudEventSchemaV1_0";
  requireText(event, "specversion", "specversion", schema);
  // The message calls the type by its Event Grid name.
  requireText(event, "type", "eventType", schema);
  requireText(event, "source", "source", schema);
  requireText(event, "id", "id", schema);
  if (event["specversion"] !== "1.0") throw invalid("The property 'specversion' must be '1.0'.");
  return { schema, body: event };
}

function requireText(event: JsonObject, name: string, shownAs: string, schema: EventSchema): void {
  const value = event[name];
  if (typeof value === "string" && value !== "") return;
  throw invalid(
    `This resource is configured for '${schemaNames[schema]}' schema and requires '${shownAs}' property to be set.`,
  );
}

function wrongShape(
  schema: EventSchema,
  expected: "StartArray" | "StartObject",
  value: unknown,
): PublishError {
  return invalid(
    `This resource is configured to receive event in '${schemaNames[schema]}' schema. The JSON received does not conform to the expected schema. Token Expected: ${expected}, Actual Token Received: ${toTokenName(value)}.`,
  );
}

function toTokenName(value: unknown): string {
  if (Array.isArray(value)) return "StartArray";
  if (value === null) return "Null";
  switch (typeof value) {
    case "object":
      return "StartObject";
    case "string":
      return "String";
    case "boolean":
      return "Boolean";
    default:
      return Number.isInteger(value) ? "Integer" : "Float";
  }
}

function invalid(message: string): PublishError {
  return new PublishError("BadRequest", "InputJsonInvalid", message);
}

export function tooLarge(limit: number): PublishError {
  return new PublishError(
    "RequestEntityTooLarge",
    "RequestEntityTooLarge",
    `The maximum size (${limit}) has been exceeded.`,
  );
}

function isSameId(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
