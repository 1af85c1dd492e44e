import { createHash } from "node:crypto";
import { CausewayError } from "./causeway-error.ts";

type SafeKeyErrorCode = "KEY_NOT_DECODABLE";

/**
 * Keys may hold 1 KiB in UTF-16, so 512 characters; the rest is left for what callers put around it.
 * https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
 */
const maxLength = 400;

/**
 * Escaped as `~` and four hex digits: what Azure Tables forbids in keys (`/ \ # ?`, control
 * characters), what breaks in addresses (`% + &`), our own separator `|`, the escape itself, and
 * lone surrogates (not encodable as UTF-8).
 */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f/\\#?%+&|~']|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Business data as (part of) a table key: two different texts never give the same key. Reversible by
 * `fromSafeKey` up to 400 characters; a longer text keeps its beginning and ends in `~~` and a hash.
 */
export function toSafeKey(text: string): string {
  const escaped = text.replace(
    unsafe,
    (unit) => `~${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (escaped.length <= maxLength) return escaped;
  const hash = createHash("sha256").update(text).digest("hex");
  return `${escaped.slice(0, maxLength - hash.length - 2)}~~${hash}`;
}

/** The text that `toSafeKey` was given; throws KEY_NOT_DECODABLE for a shortened or foreign key. */
export function fromSafeKey(key: string): string {
  if (/~(?![0-9a-f]{4})/.test(key)) {
    throw new CausewayError<SafeKeyErrorCode>(
      "KEY_NOT_DECODABLE",
      "The key was shortened or not made by toSafeKey; its text is in the row's columns.",
      { fate: "permanent", ids: { key } },
    );
  }
  return key.replace(/~([0-9a-f]{4})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
