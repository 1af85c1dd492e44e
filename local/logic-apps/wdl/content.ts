import {
  type WdlObject,
  type WdlValue,
  getMember,
  isNumber,
  isObject,
  numberText,
} from "./values.ts";
import { writeJson } from "./json-text.ts";

/** How the language holds content that is neither JSON nor text: `{"$content-type", "$content": base64}`. */
export interface ContentEnvelope {
  readonly contentType: string;
  readonly bytes: Buffer;
}

export function toContent(contentType: string, content: string | Uint8Array): WdlObject {
  const bytes = typeof content === "string" ? Buffer.from(content, "utf8") : Buffer.from(content);
  return { "$content-type": contentType, $content: bytes.toString("base64") };
}

export function readContent(value: WdlValue): ContentEnvelope | undefined {
  if (!isObject(value) || !hasDollarMember(value)) return undefined;
  const contentType = getMember(value, "$content-type");
  const content = getMember(value, "$content");
  if (typeof contentType !== "string" || typeof content !== "string") return undefined;
  return { contentType, bytes: Buffer.from(content, "base64") };
}

function hasDollarMember(value: WdlObject): boolean {
  for (const name in value) if (name.startsWith("$")) return true;
  return false;
}

const textTypes = /^(text\/|application\/(?:[\w.-]+\+)?(?:xml|json)\b)|charset=/i;

/** A value as text: null is empty, booleans are `True` and `False`, text content is decoded, the rest is JSON. */
export function toText(value: WdlValue): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (isNumber(value)) return numberText(value);
  const content = readContent(value);
  return content !== undefined && textTypes.test(content.contentType)
    ? content.bytes.toString("utf8")
    : writeJson(value);
}

/** The bytes behind a value: an envelope's content, else its text in UTF-8. */
export function toBytes(value: WdlValue): Buffer {
  return readContent(value)?.bytes ?? Buffer.from(toText(value), "utf8");
}
