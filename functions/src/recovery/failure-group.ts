import { toStableId } from "../platform/effect-key.ts";

/** One cause, one group: what differs from document to document is taken out of the reason. */
export function toGroup(code: string, target: string, reason: string): string {
  return toStableId("group", code, target, normalise(reason));
}

function normalise(reason: string): string {
  return (
    reason
      .toLowerCase()
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
      .replace(/(["'])(?:(?!\1).){1,200}\1/g, "<text>")
      // Keys of missing records: account/usmf/us-001.
      .replace(/[^\s,;]+\/[^\s,;]+/g, "<key>")
      .replace(/<key>(?:, <key>)+/g, "<key>")
      .replace(/\b[\w.-]*\d[\w.-]*\b/g, "<value>")
      .slice(0, 300)
  );
}
