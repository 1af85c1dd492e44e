import { EventGridError } from "./event-grid-error.ts";
import type { AttributeMapping } from "./event-subscription.ts";
import { readField } from "./grid-event.ts";
import type { GridEvent } from "./grid-event.ts";

/** Limits: https://learn.microsoft.com/azure/event-grid/delivery-properties */
const maxMappings = 10;
const maxValueBytes = 4096;
/** The local Service Bus has neither partitions nor this kind of reply session. */
const unsupported = ["PartitionKey", "ViaPartitionKey", "ReplyToSessionId"];

export type AttributeValues = Readonly<Record<string, string | number | boolean>>;

/** Throws what Azure would say when the subscription is made. */
export function checkAttributeMappings(mappings: readonly AttributeMapping[]): void {
  const fail = (text: string): never => {
    throw new EventGridError("ATTRIBUTE_MAPPING_INVALID", text);
  };
  if (mappings.length > maxMappings) fail(`at most ${maxMappings} delivery attributes`);
  for (const { name, type, value, sourceField } of mappings) {
    if (name.toLowerCase().startsWith("aeg-")) fail(`${name}: names must not begin with aeg-`);
    if (unsupported.includes(name)) fail(`${name} is not in the local Service Bus`);
    if (type === "Static" ? value === undefined : sourceField === undefined) {
      fail(`${name}: Static needs value, Dynamic needs sourceField`);
    }
    if (type === "Static" && name === "MessageId") fail("MessageId can only be Dynamic");
    if (value !== undefined && Buffer.byteLength(value) > maxValueBytes) {
      fail(`${name} is longer than ${maxValueBytes} bytes`);
    }
  }
  const names = mappings.map(({ name }) => name);
  if (names.includes("SessionId") && names.includes("MessageId")) {
    fail("only one of SessionId and MessageId can be set");
  }
}

/** The attributes of one delivery; a dynamic one whose field is missing or no plain value is left out. */
export function toAttributes(
  mappings: readonly AttributeMapping[],
  event: GridEvent,
): AttributeValues {
  const values: Record<string, string | number | boolean> = {};
  for (const { name, type, value, sourceField } of mappings) {
    const found = type === "Static" ? value : readField(event, sourceField ?? "");
    if (typeof found === "string" || typeof found === "number" || typeof found === "boolean") {
      values[name] = found;
    }
  }
  return values;
}
