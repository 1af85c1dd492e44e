import { Hono } from "hono";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { LocalServices } from "../cloud.ts";
import { toTelemetryRow } from "./telemetry-row.ts";
import { TelemetryStore } from "./telemetry-store.ts";
import type { TelemetryQuery } from "./telemetry-store.ts";
import type { TelemetryRow } from "./telemetry-row.ts";

export interface MonitorComponent {
  /** ARM id. */
  readonly id: string;
  readonly instrumentationKey: string;
  /** Then a token with the role Monitoring Metrics Publisher is needed. */
  readonly disableLocalAuth?: boolean | undefined;
}

export interface MonitorService {
  readonly app: Hono;
  /** Only telemetry under a component's key is taken. */
  createComponent(component: MonitorComponent): void;
  /** What comes by diagnostic settings and not through ingestion. */
  addDiagnostics(row: TelemetryRow): void;
  find(query: TelemetryQuery): readonly TelemetryRow[];
}

interface ItemError {
  readonly index: number;
  readonly statusCode: number;
  readonly message: string;
}

const audience = "https://monitor.azure.com";
const publisherRole = "3913510d-42f4-4e42-8a64-420c390055eb";
/** A gzip bomb ends here; the SDK sends far less at a time. */
const maxBodyBytes = 32 * 1024 * 1024;
const defaultTake = 100;
const maxTake = 5000;
const inflate = promisify(gunzip);

/** Application Insights' ingestion for the unchanged SDK (over https only), and a way to read what arrived. */
export function createMonitorApp(services: LocalServices): MonitorService {
  const components = new Map<string, MonitorComponent>();
  const store = new TelemetryStore();
  const app = new Hono();
  for (const path of ["/v2.1/track", "/v2/track"] as const) {
    app.post(path, (context) => answerTrack(context.req.raw, { components, store, services }));
  }
  app.get("/telemetry", (context) => {
    const { table, operationId, name, take } = context.req.query();
    const wanted = Number(take ?? defaultTake);
    if (!Number.isInteger(wanted) || wanted < 1) {
      return context.json({ error: "take must be a whole number from 1" }, 400);
    }
    const query = { table, operationId, name, take: Math.min(wanted, maxTake) };
    return context.json({ counts: store.counts(), rows: store.find(query) });
  });
  return {
    app,
    createComponent: (component) => {
      components.set(component.instrumentationKey.toLowerCase(), component);
    },
    addDiagnostics: (row) => store.add(row),
    find: (query) => store.find(query),
  };
}

interface Ingestion {
  readonly components: ReadonlyMap<string, MonitorComponent>;
  readonly store: TelemetryStore;
  readonly services: LocalServices;
}

async function answerTrack(request: Request, ingestion: Ingestion): Promise<Response> {
  const envelopes = await readEnvelopes(request);
  if (envelopes === undefined) {
    const errors = [{ index: 0, statusCode: 400, message: "Invalid JSON or encoding" }];
    return Response.json({ itemsReceived: 0, itemsAccepted: 0, errors }, { status: 400 });
  }
  const principalId = await readPrincipal(request, ingestion.services);
  const errors: ItemError[] = [];
  for (const [index, envelope] of envelopes.entries()) {
    const error = refuse(envelope, principalId, ingestion);
    const row = toTelemetryRow(envelope);
    if (error !== undefined) errors.push({ index, ...error });
    else if (row === undefined)
      errors.push({ index, statusCode: 400, message: "unknown data type" });
    else ingestion.store.add(row);
  }
  const itemsAccepted = envelopes.length - errors.length;
  return Response.json(
    { itemsReceived: envelopes.length, itemsAccepted, errors },
    { status: toStatus(errors, itemsAccepted) },
  );
}

/** 206 tells the SDK which items to send again; a request refused as a whole has the items' status. */
function toStatus(errors: readonly ItemError[], itemsAccepted: number): number {
  if (errors.length === 0) return 200;
  return itemsAccepted > 0 ? 206 : (errors[0]?.statusCode ?? 400);
}

function refuse(
  envelope: unknown,
  principalId: string | undefined,
  { components, services }: Ingestion,
): Omit<ItemError, "index"> | undefined {
  const key =
    typeof envelope === "object" && envelope !== null && "iKey" in envelope ? envelope.iKey : "";
  const component = components.get(typeof key === "string" ? key.toLowerCase() : "");
  if (component === undefined) return { statusCode: 400, message: "Invalid instrumentation key" };
  if (component.disableLocalAuth !== true) return undefined;
  if (principalId === undefined) return { statusCode: 401, message: "Authentication is required" };
  return services.access.allows(principalId, [publisherRole], component.id)
    ? undefined
    : { statusCode: 403, message: "The principal may not publish metrics to this component" };
}

/** undefined without a good token, which only matters where local authentication is off. */
async function readPrincipal(
  request: Request,
  { tokens, log }: LocalServices,
): Promise<string | undefined> {
  const [scheme, token] = (request.headers.get("authorization") ?? "").split(" ");
  if (scheme?.toLowerCase() !== "bearer" || token === undefined) return undefined;
  try {
    return (await tokens.verify(token, [audience])).principalId;
  } catch (error) {
    log(`monitor: token refused: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** A JSON array, one envelope, or one envelope a line; undefined when it is none of them. */
async function readEnvelopes(request: Request): Promise<readonly unknown[] | undefined> {
  try {
    const raw = Buffer.from(await request.arrayBuffer());
    const body =
      request.headers.get("content-encoding") === "gzip"
        ? await inflate(raw, { maxOutputLength: maxBodyBytes })
        : raw;
    const text = body.toString("utf8").trim();
    if (text.startsWith("[")) return JSON.parse(text) as readonly unknown[];
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => JSON.parse(line) as unknown);
  } catch {
    return undefined;
  }
}
