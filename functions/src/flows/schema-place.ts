import type { AnySchemaObject } from "ajv";

/** A place in a schema, with the document that its `#/$defs/…` references point into. */
export interface SchemaPlace {
  readonly root: AnySchemaObject;
  readonly schema: AnySchemaObject;
}

/** Follows references within the document; other documents' are the caller's to know. */
export function resolveRef(place: SchemaPlace): SchemaPlace {
  const ref: unknown = place.schema["$ref"];
  if (typeof ref !== "string" || !ref.startsWith("#/$defs/")) return place;
  const defs = place.root["$defs"] as Record<string, AnySchemaObject> | undefined;
  const schema = defs?.[ref.slice("#/$defs/".length)];
  return schema === undefined ? place : resolveRef({ root: place.root, schema });
}

/** The place of a member, or of a list's items by the name `[]`; undefined when there is none. */
export function stepInto(place: SchemaPlace, name: string): SchemaPlace | undefined {
  const { root, schema } = resolveRef(place);
  if (name === "[]") {
    const items = schema["items"] as AnySchemaObject | undefined;
    return items === undefined ? undefined : { root, schema: items };
  }
  const properties = schema["properties"] as Record<string, AnySchemaObject> | undefined;
  if (properties === undefined || !Object.hasOwn(properties, name)) return undefined;
  const next = properties[name];
  return next === undefined ? undefined : { root, schema: next };
}

/** Names that the place knows, for "did you mean". */
export function memberNames(place: SchemaPlace): string[] {
  return Object.keys((resolveRef(place).schema["properties"] as object | undefined) ?? {});
}
