import type { DataverseClient, DataverseRow } from "../../dynamics/dataverse-client.ts";
import type { LookupAnswer, LookupRequest } from "../../flows/map-event.ts";
import type { Clock } from "../../platform/clock.ts";
import { entitySets } from "./invoice-document.ts";

/**
 * Rows that records point at, read for a whole batch at once: one query per table and set of key
 * columns. Found rows are remembered for as long as the mapping says; missing ones only where the mapping
 * goes on without them, and for a minute: a record that is waited for heals at the next try.
 */
export interface ResolvedLookups {
  /** Whether CE answered a question for this; false when everything was remembered. */
  readonly hasAsked: boolean;
  answer(request: LookupRequest): LookupAnswer | null;
  /** More than one row has the key: whichever we took would be a guess. */
  isAmbiguous(request: LookupRequest): boolean;
}

export interface LookupResolver {
  resolve(requests: readonly LookupRequest[], signal: AbortSignal): Promise<ResolvedLookups>;
  /** After Dataverse said that a row which we remember is not there. */
  forget(): void;
}

interface Known {
  /** Null: it was not there. */
  readonly answer: LookupAnswer | null;
  readonly until: number;
}

interface Step {
  readonly request: LookupRequest;
  readonly place: LookupRequest["tables"][number];
}

/** Beside the id: what the target needs of the row. */
const extraColumns: Readonly<Record<string, readonly string[]>> = {
  account: ["_ownerid_value"],
  contact: ["_ownerid_value"],
  transactioncurrency: ["currencyprecision"],
};

const maxKnown = 50_000;
const absentMs = 60_000;
const annotation = "@Microsoft.Dynamics.CRM.lookuplogicalname";

export function createLookupResolver(client: DataverseClient, clock: Clock): LookupResolver {
  const known = new Map<string, Known>();
  const readStep = async (
    steps: readonly Step[],
    found: Map<string, LookupAnswer>,
    ambiguous: Set<string>,
    signal: AbortSignal,
  ): Promise<void> => {
    for (const group of groupSteps(steps)) {
      const rows = await readRows(client, group, signal);
      for (const { request, place } of group) {
        const matches = rows.get(toValueText(place)) ?? [];
        const [row] = matches;
        if (matches.length > 1) ambiguous.add(request.id);
        else if (row !== undefined) found.set(request.id, toAnswer(place.table, row));
      }
    }
  };
  return {
    forget: () => known.clear(),
    resolve: async (requests, signal) => {
      const now = clock.now();
      const found = new Map<string, LookupAnswer>();
      const ambiguous = new Set<string>();
      let hasAsked = false;
      let open = requests.filter((request) => {
        const entry = known.get(request.id);
        if (entry === undefined || entry.until <= now) return true;
        if (entry.answer === null) return request.mayBeMissing !== true;
        found.set(request.id, entry.answer);
        return false;
      });
      open = [...new Map(open.map((request) => [request.id, request])).values()];
      const asked = new Set(open.map(({ id }) => id));
      for (let depth = 0; open.length > 0; depth += 1) {
        const steps = open.flatMap((request) => toStep(request, depth));
        if (steps.length === 0) break;
        await readStep(steps, found, ambiguous, signal);
        hasAsked = true;
        open = open.filter(({ id }) => !found.has(id) && !ambiguous.has(id));
      }
      if (known.size > maxKnown) known.clear();
      for (const request of requests) {
        const answer = found.get(request.id);
        const ofMs = request.cacheSeconds * 1000;
        if (answer !== undefined) {
          if (known.get(request.id)?.answer === answer) continue;
          known.set(request.id, { answer, until: now + ofMs });
        } else if (asked.has(request.id) && !ambiguous.has(request.id)) {
          known.set(request.id, { answer: null, until: now + Math.min(ofMs, absentMs) });
        }
      }
      return {
        hasAsked,
        answer: (request) => found.get(request.id) ?? null,
        isAmbiguous: (request) => ambiguous.has(request.id),
      };
    },
  };
}

function toStep(request: LookupRequest, depth: number): readonly Step[] {
  const place = request.tables[depth];
  return place === undefined ? [] : [{ request, place }];
}

/** Same table, same key columns, same company: one query. */
function groupSteps(steps: readonly Step[]): readonly (readonly Step[])[] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const { table, key } = step.place;
    const name = [table, key["msdyn_company"] ?? "", ...Object.keys(key)].join("\n");
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [step]);
    else group.push(step);
  }
  return [...groups.values()];
}

async function readRows(
  client: DataverseClient,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly DataverseRow[]>> {
  const place = steps[0]?.place;
  if (place === undefined) return new Map();
  const { table } = place;
  const columns = Object.keys(place.key).sort();
  const rows = await client.findRows(
    entitySets[table] ?? `${table}s`,
    {
      select: [`${table}id`, ...columns.map(toSelected), ...(extraColumns[table] ?? [])],
      by: columns.map(toPath),
      values: steps.map((step) => columns.map((column) => step.place.key[column] ?? "")),
    },
    { signal, headers: { prefer: `odata.include-annotations="${annotation.slice(1)}"` } },
  );
  const byValue = new Map<string, DataverseRow[]>();
  for (const row of rows) {
    // The company's code is not in the row; the query was for one company only.
    const text = columns
      .filter((column) => toPath(column) === column)
      .map((column) => String(row[column]).toLowerCase())
      .join("\n");
    byValue.set(text, [...(byValue.get(text) ?? []), row]);
  }
  return byValue;
}

function toValueText(place: Step["place"]): string {
  return Object.keys(place.key)
    .sort()
    .filter((column) => toPath(column) === column)
    .map((column) => (place.key[column] ?? "").toLowerCase())
    .join("\n");
}

/** Dual-write keeps the company as a lookup to cdm_company. */
function toPath(column: string): string {
  return column === "msdyn_company" ? "msdyn_company/cdm_companycode" : column;
}

function toSelected(column: string): string {
  return column === "msdyn_company" ? "_msdyn_company_value" : column;
}

function toAnswer(table: string, row: DataverseRow): LookupAnswer {
  const { [`${table}id`]: id, ...columns } = row;
  return { table, id: String(id), columns };
}

/** The owner of a row that was looked up, as something to bind. */
export function ownerOf(answer: LookupAnswer | null): LookupAnswer | undefined {
  const id = answer?.columns?.["_ownerid_value"];
  const table = answer?.columns?.[`_ownerid_value${annotation}`];
  return typeof id === "string" && (table === "systemuser" || table === "team")
    ? { table, id }
    : undefined;
}
