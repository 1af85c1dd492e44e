import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { SchemaSet } from "../../flows/schema-set.ts";
import { diffWhole } from "../replay/diff-events.ts";
import type { EventChange } from "../replay/replay-job.ts";
import type { WantedChange } from "./edit.ts";

/**
 * All that may be edited: texts and where a mail goes. Amounts, accounts, numbers and dates are F&O's
 * alone, and whatever the event gets in future is protected until it is named here.
 */
const editable = [/^language$/, /^customer\.(name|email)$/, /^lines\.\d+\.description$/] as const;

export const editablePaths = "language, customer.name, customer.email, lines.<n>.description";

export type EditedEvent =
  | {
      readonly kind: "edited";
      readonly event: CanonicalEvent;
      readonly changes: readonly EventChange[];
    }
  | { readonly kind: "protected"; readonly path: string }
  | { readonly kind: "invalid"; readonly problems: readonly string[] }
  | { readonly kind: "same" };

/** The event with the changes made, or the first reason why they cannot be. */
export function editEvent(
  event: CanonicalEvent,
  wanted: readonly WantedChange[],
  schemas: SchemaSet,
): EditedEvent {
  const blocked = wanted.find(({ path }) => !editable.some((pattern) => pattern.test(path)));
  if (blocked !== undefined) return { kind: "protected", path: blocked.path };
  const edited = structuredClone(event);
  for (const { path, value } of wanted) {
    if (!setExisting(edited.data, path.split("."), value)) {
      return { kind: "invalid", problems: [`${path} is not in this event`] };
    }
  }
  const problems = schemas
    .problems("canonical/event.v1", edited)
    .map(({ path, message }) => `${path} ${message}`);
  if (problems.length > 0) return { kind: "invalid", problems };
  const changes = diffWhole(event, edited);
  return changes.length === 0 ? { kind: "same" } : { kind: "edited", event: edited, changes };
}

/** False where there is no such member: an edit adds nothing. */
function setExisting(tree: unknown, path: readonly string[], value: string | null): boolean {
  const [name = "", ...rest] = path;
  if (typeof tree !== "object" || tree === null || !Object.hasOwn(tree, name)) return false;
  const members = tree as Record<string, unknown>;
  if (rest.length > 0) return setExisting(members[name], rest, value);
  members[name] = value;
  return true;
}
