export type EventSchema = "EventGridSchema" | "CloudEventSchemaV1_0";

export type JsonObject = Readonly<Record<string, unknown>>;

/** An accepted event: its own members as published, with what the service stamps. */
export interface GridEvent {
  readonly schema: EventSchema;
  readonly body: JsonObject;
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The value under a key of a filter or of a dynamic attribute. A dot always means nesting; names of the
 * envelope ignore case (filters write `Subject`, events `subject`), names within data do not.
 */
export function readField({ body }: GridEvent, key: string): unknown {
  const [first = "", ...rest] = key.split(".");
  const name = Object.keys(body).find((own) => own.toLowerCase() === first.toLowerCase());
  let value = name === undefined ? undefined : body[name];
  for (const part of rest) value = isJsonObject(value) ? value[part] : undefined;
  return value;
}

/** What filters call the event's type and subject, whichever schema it has. */
export function readEventType({ schema, body }: GridEvent): string {
  return toText(schema === "EventGridSchema" ? body["eventType"] : body["type"]);
}

export function readSubject({ body }: GridEvent): string {
  return toText(body["subject"]);
}

/** The event as a subscription gets it: CloudEvents can be made of Event Grid events, never the reverse. */
export function toDeliverySchema(event: GridEvent, schema: EventSchema): GridEvent {
  if (event.schema === schema || schema === "EventGridSchema") return event;
  const { id, topic, subject, eventType, eventTime, data, dataVersion } = event.body;
  return {
    schema,
    body: {
      specversion: "1.0",
      id,
      source: topic,
      type: eventType,
      time: eventTime,
      subject,
      ...(data !== undefined && { data }),
      ...(toText(dataVersion) !== "" && { dataversion: dataVersion }),
    },
  };
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
