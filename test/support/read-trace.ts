import { toRootTraceparent, toTraceId } from "../../functions/src/platform/trace.ts";
import type { TelemetryRow } from "../../local/monitor/telemetry-row.ts";

/** An event's hops as the local collector has them. */
export interface Trace {
  /** "deliver intake > deliver ce": each hop below the one that caused it; `lost` for a parent that is not there. */
  readonly ways: readonly string[];
  readonly hops: readonly TelemetryRow[];
  /** Custom events of the same operation. */
  readonly events: readonly TelemetryRow[];
}

export async function readTelemetry(
  baseUrl: string,
  query: string,
): Promise<readonly TelemetryRow[]> {
  const response = await fetch(`${baseUrl}/telemetry?take=5000&${query}`);
  return ((await response.json()) as { readonly rows: readonly TelemetryRow[] }).rows;
}

export async function readTrace(baseUrl: string, eventId: string): Promise<Trace> {
  const rows = await readTelemetry(baseUrl, `operationId=${toTraceId(eventId)}`);
  const hops = rows.filter(({ table }) => table === "requests" || table === "dependencies");
  const root = toRootTraceparent(eventId).split("-")[2];
  const nameOf = new Map(hops.map((hop) => [hop["id"], hop.name]));
  const ways = hops.map((hop) => {
    const parent = hop.operation_ParentId === root ? "F&O" : nameOf.get(hop.operation_ParentId);
    return `${parent ?? "lost"} > ${hop.name}`;
  });
  return { ways, hops, events: rows.filter(({ table }) => table === "customEvents") };
}

export function dimensionOf(row: TelemetryRow, name: string): unknown {
  return (row.customDimensions as Readonly<Record<string, unknown>>)[name];
}

/** Ids of the hops that this one follows: tries before it. */
export function linksOf(hop: TelemetryRow | undefined): readonly string[] {
  const text = hop === undefined ? undefined : dimensionOf(hop, "_MS.links");
  const links = JSON.parse(typeof text === "string" ? text : "[]") as readonly {
    readonly id: string;
  }[];
  return links.map(({ id }) => id);
}
