import { entitySets, isEnum } from "./entity-sets.ts";
import type { ColumnType, EntitySet } from "./entity-sets.ts";

/** `GET /data`: the entity sets by name. */
export function toServiceDocument(baseUrl: string): unknown {
  return {
    "@odata.context": `${baseUrl}/data/$metadata`,
    value: [...entitySets.keys()].map((name) => ({ name, kind: "EntitySet", url: name })),
  };
}

/** `GET /data/$metadata`: types, keys and navigations as EDMX. */
export function toMetadata(): string {
  const sets = [...entitySets.values()];
  return [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>',
    '<Schema Namespace="Microsoft.Dynamics.DataEntities" xmlns="http://docs.oasis-open.org/odata/ns/edm">',
    ...sets.map(toEntityType),
    '<EntityContainer Name="Resources">',
    ...sets.map(
      ({ name, entityType }) =>
        `<EntitySet Name="${name}" EntityType="Microsoft.Dynamics.DataEntities.${entityType}"/>`,
    ),
    "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
  ].join("\n");
}

function toEntityType({ entityType, keys, columns, navigations }: EntitySet): string {
  const references = keys.map((key) => `<PropertyRef Name="${key}"/>`).join("");
  const properties = Object.entries(columns).map(
    ([name, type]) => `<Property Name="${name}" Type="${toEdmType(type)}"/>`,
  );
  const links = Object.entries(navigations).map(([name, { set, isCollection }]) => {
    const type = `Microsoft.Dynamics.DataEntities.${entitySets.get(set)?.entityType ?? set}`;
    return `<NavigationProperty Name="${name}" Type="${isCollection ? `Collection(${type})` : type}"/>`;
  });
  const content = [...properties, ...links].join("");
  return `<EntityType Name="${entityType}"><Key>${references}</Key>${content}</EntityType>`;
}

function toEdmType(type: ColumnType): string {
  if (isEnum(type)) return `Microsoft.Dynamics.DataEntities.${type}`;
  return type === "Date" || type === "UtcDateTime" ? "Edm.DateTimeOffset" : `Edm.${type}`;
}
