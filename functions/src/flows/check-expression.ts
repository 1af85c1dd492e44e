import jsonata from "jsonata";
import { suggestName } from "./nearest-name.ts";
import { memberNames, resolveRef, stepInto, type SchemaPlace } from "./schema-place.ts";

interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly steps?: readonly Node[];
  readonly stages?: readonly Node[];
  readonly predicate?: readonly Node[];
  readonly [member: string]: unknown;
}

/**
 * What is wrong with a JSONata text: a syntax error, or a name that its input does not have. Names are
 * followed as far as the schema says what they see; behind a variable other than `$invoice`, a
 * function or a wildcard nobody knows, and nothing is reported.
 */
export function checkExpression(
  text: string,
  item: SchemaPlace,
  invoice: SchemaPlace,
): readonly string[] {
  let tree: Node;
  try {
    tree = jsonata(text).ast() as unknown as Node;
  } catch (error) {
    // JSONata throws plain objects with a message.
    return [`JSONata cannot read it: ${(error as { readonly message?: string }).message ?? ""}`];
  }
  const problems: string[] = [];
  visit(tree, item, { invoice, problems });
  return problems;
}

interface Visit {
  readonly invoice: SchemaPlace;
  readonly problems: string[];
}

function visit(node: Node, place: SchemaPlace | undefined, context: Visit): void {
  if (node.type === "path") {
    visitPath(node, place, context);
    return;
  }
  for (const [member, value] of Object.entries(node)) {
    if (member === "type" || member === "value" || member === "position") continue;
    visitAny(value, place, context);
  }
}

function visitAny(value: unknown, place: SchemaPlace | undefined, context: Visit): void {
  if (Array.isArray(value)) {
    for (const one of value as readonly unknown[]) visitAny(one, place, context);
  } else if (typeof value === "object" && value !== null) {
    visit(value as Node, place, context);
  }
}

function visitPath(path: Node, start: SchemaPlace | undefined, context: Visit): void {
  let place = start;
  for (const step of path.steps ?? []) {
    if (step.type === "name" && typeof step.value === "string") {
      place = stepByName(place, step.value, context);
    } else if (step.type === "variable" && step.value === "invoice") {
      place = context.invoice;
    } else {
      visit(step, place, context);
      place = undefined;
    }
    for (const filter of [...(step.stages ?? []), ...(step.predicate ?? [])]) {
      visit(filter, place, context);
    }
  }
}

/** JSONata maps over lists by itself: a name after a list means its items. */
function stepByName(
  place: SchemaPlace | undefined,
  name: string,
  context: Visit,
): SchemaPlace | undefined {
  if (place === undefined) return undefined;
  const items = stepInto(place, "[]");
  const from = resolveRef(items ?? place);
  const next = stepInto(from, name);
  if (next === undefined) {
    const suggestion = suggestName(name, memberNames(from));
    context.problems.push(`the source has no name "${name}"${suggestion}`);
  }
  return next;
}
