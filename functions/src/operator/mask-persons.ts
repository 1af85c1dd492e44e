import { maskAddresses } from "../platform/mask-addresses.ts";

/** Members whose text names a person or a place to reach one, whatever spelling F&O or we use. */
const personal = /name|e-?mail|address|phone|recipient|contact/i;
/** Names of ours and of F&O's that only look like it. */
const harmless = /^(businessEventId|eventName|typeName)$/i;
const hidden = "***";

/** A body without names and addresses; a text that is no JSON loses what looks like an address. */
export function maskPersons(body: string): string {
  try {
    return JSON.stringify(mask(JSON.parse(body) as unknown, ""));
  } catch {
    return maskAddresses(body);
  }
}

function mask(value: unknown, name: string): unknown {
  if (Array.isArray(value)) return value.map((each) => mask(each, name));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, mask(each, key)]));
  }
  if (typeof value !== "string" || value === "") return value;
  return personal.test(name) && !harmless.test(name) ? hidden : maskAddresses(value);
}
