import type { ODataQuery } from "../odata/odata-query.ts";
import { unknownProperty } from "./check-filter.ts";
import type { EntitySet } from "./entity-sets.ts";
import type { StoredRow } from "./entity-table.ts";
import type { FinanceWorld } from "./finance-world.ts";

/** A row as it is sent: its etag, the wanted columns, and the rows that it is to be expanded by. */
export function toWireRow(
  set: EntitySet,
  row: StoredRow,
  query: Pick<ODataQuery, "select" | "expand">,
  world: FinanceWorld,
): Readonly<Record<string, unknown>> {
  const wire: Record<string, unknown> = { "@odata.etag": toEtag(row) };
  for (const column of query.select ?? Object.keys(set.columns)) {
    if (column in set.columns) wire[column] = row.values[column];
  }
  for (const { navigation, select } of query.expand ?? []) {
    wire[navigation] = expandRow(set, row, { navigation, select }, world);
  }
  return wire;
}

function expandRow(
  set: EntitySet,
  row: StoredRow,
  item: { readonly navigation: string; readonly select: readonly string[] | undefined },
  world: FinanceWorld,
): unknown {
  const navigation = set.navigations[item.navigation];
  if (navigation === undefined) throw unknownProperty(set, item.navigation);
  const table = world.table(navigation.set);
  const pairs = Object.entries(navigation.by);
  const indexed = pairs.find(([, there]) => table.set.indexed.includes(there));
  const near =
    indexed === undefined ? table.rows : table.findBy(indexed[1], row.values[indexed[0]]);
  const select = item.select === undefined ? {} : { select: item.select };
  const rows = near
    .filter((other) => pairs.every(([here, there]) => row.values[here] === other.values[there]))
    .map((other) => toWireRow(table.set, other, select, world));
  return navigation.isCollection ? rows : (rows[0] ?? null);
}

export function toEtag({ recId, version }: StoredRow): string {
  return `W/"${Buffer.from(`'${version},${recId}'`).toString("base64")}"`;
}

export function toJson(body: unknown, status = 200): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      "content-type": "application/json; odata.metadata=minimal; charset=utf-8",
      "odata-version": "4.0",
    },
  });
}
