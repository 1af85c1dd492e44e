import { allowLoopbackPages } from "../loopback-origin.ts";
import { Hono } from "hono";
import type { LocalServices } from "../cloud.ts";
import { createFaults, type Faults } from "../faults.ts";
import { createRequestCounts } from "../request-counts.ts";
import { ODataError } from "../odata/odata-query.ts";
import { answerOData } from "./answer-odata.ts";
import { createSimRoutes } from "./create-sim-routes.ts";
import type { EventEndpoint, EventSenders } from "./event-endpoint.ts";
import { EventOutbox } from "./event-outbox.ts";
import { FinanceError, toErrorBody } from "./finance-error.ts";
import { FinanceWorld } from "./finance-world.ts";
import type { WorldOptions } from "./finance-world.ts";
import { toMetadata, toServiceDocument } from "./service-document.ts";

export interface FinanceOptions extends WorldOptions {
  /** Of this F&O as clients reach it, without a trailing slash; the audience of its tokens. */
  readonly baseUrl: () => string;
  readonly senders: EventSenders;
  /** Reads a secret of F&O's key vault with F&O's own app registration. */
  readonly getSecret?: (vaultUrl: string, name: string) => Promise<string>;
  readonly defaultCompany?: string;
  /** 10,000 in F&O; tests page sooner. */
  readonly pageSize?: number;
}

export interface FinanceApp {
  readonly app: Hono;
  readonly world: FinanceWorld;
  readonly outbox: EventOutbox;
  /** "Microsoft Entra applications" in F&O: without it a valid token is refused. */
  readonly registerApplication: (clientId: string) => void;
  readonly faults: Faults;
  readonly configureEndpoints: (endpoints: readonly EventEndpoint[]) => void;
}

const PAGE_SIZE = 10_000;

/** Finance & Operations as far as integrations see it: OData, business events, and `/sim` for the people in it. */
export function createFinanceApp(services: LocalServices, options: FinanceOptions): FinanceApp {
  const { clock, log } = services;
  const world = new FinanceWorld(options);
  const getSecret = options.getSecret ?? refuseSecret;
  const outbox = new EventOutbox({ clock, senders: options.senders, getSecret, log });
  const registered = new Set<string>();
  const configureEndpoints = (endpoints: readonly EventEndpoint[]): void => {
    outbox.configure(endpoints);
    writeEndpoints(world, endpoints);
  };
  const app = new Hono();
  app.onError((error) => toRefusal(error, log));
  const toBody = (status: number): unknown => toErrorBody(toFaultText(status));
  const faults = createFaults(clock, { random: world.random, toBody });
  app.use(allowLoopbackPages);
  app.use(createRequestCounts());
  app.use(faults.middleware);
  app.route("/sim", createSimRoutes({ world, outbox, clock, configure: configureEndpoints }));
  app.use("/data/*", async (context, next) => {
    await authorize(context.req.header("authorization"), services, options, registered);
    return next();
  });
  app.get("/data/$metadata", (context) =>
    context.body(toMetadata(), 200, { "content-type": "application/xml" }),
  );
  app.get("/data/", (context) => context.json(toServiceDocument(options.baseUrl()) as object));
  app.all("/data/*", (context) =>
    answerOData(context.req.raw, {
      world,
      baseUrl: options.baseUrl,
      defaultCompany: options.defaultCompany ?? "usmf",
      pageSize: options.pageSize ?? PAGE_SIZE,
    }),
  );
  return {
    app,
    faults,
    world,
    outbox,
    registerApplication: (clientId) => void registered.add(clientId.toLowerCase()),
    configureEndpoints,
  };
}

async function authorize(
  header: string | undefined,
  { tokens }: LocalServices,
  { baseUrl }: FinanceOptions,
  registered: ReadonlySet<string>,
): Promise<void> {
  const token = /^Bearer (.+)$/i.exec(header ?? "")?.[1];
  if (token === undefined) throw new FinanceError("UNAUTHORIZED", "No bearer token was sent");
  let clientId: string;
  try {
    ({ clientId } = await tokens.verify(token, [baseUrl()]));
  } catch (error) {
    throw new FinanceError("UNAUTHORIZED", "The token is not accepted", error);
  }
  if (!registered.has(clientId.toLowerCase())) {
    throw new FinanceError("NOT_REGISTERED", `${clientId} is no registered application of F&O`);
  }
}

function toRefusal(error: Error, log: (line: string) => void): Response {
  if (error instanceof ODataError) return toErrorAnswer(400, error.message);
  if (!(error instanceof FinanceError)) {
    log(`F&O failed: ${error.name}: ${error.message}`);
    return toErrorAnswer(500, "Internal error");
  }
  switch (error.code) {
    case "UNAUTHORIZED":
      return new Response(null, { status: 401, headers: { "www-authenticate": "Bearer" } });
    case "NOT_REGISTERED":
      return new Response(null, { status: 403 });
    case "NOT_FOUND":
      return toErrorAnswer(404, error.message);
    case "WRITE_FAILED":
    case "SEND_FAILED":
    case "SECRET_UNREADABLE":
      return toErrorAnswer(500, error.message);
    case "BAD_REQUEST":
    case "UNKNOWN_MASTER_DATA":
    case "NO_ENDPOINT":
      return toErrorAnswer(400, error.message);
  }
}

function toErrorAnswer(status: number, message: string): Response {
  return Response.json(toErrorBody(message), { status });
}

function toFaultText(status: number): string {
  return status === 429
    ? "This request has been rejected because of high resource utilization. Try again later."
    : "A fault that was asked for";
}

const ENDPOINT_TYPES = {
  eventGrid: "AzureEventGrid",
  serviceBus: "AzureServiceBusQueue",
  https: "Http",
} as const;

/** The endpoints as F&O's own entity shows them. */
function writeEndpoints(world: FinanceWorld, endpoints: readonly EventEndpoint[]): void {
  const table = world.table("BusinessEventsEndpoints");
  for (const row of table.rows) table.delete(row);
  for (const endpoint of endpoints) {
    table.insert({
      Name: endpoint.name,
      Type: ENDPOINT_TYPES[endpoint.type],
      KeyVaultDnsName: endpoint.keyVaultUrl ?? "",
      KeyVaultSecretName: endpoint.secretName ?? "",
      EventGridEndpointURL: endpoint.type === "eventGrid" ? endpoint.url : "",
      ServiceBusQueueName: endpoint.type === "serviceBus" ? endpoint.queue : "",
    });
  }
}

function refuseSecret(): Promise<string> {
  return Promise.reject(new Error("This F&O has no key vault"));
}
