/** What people and tests do in F&O by hand: posting, changing, resending. Not part of the real F&O. */
import { Hono } from "hono";
import type { Context } from "hono";
import type { LocalClock } from "../clock.ts";
import type { RaisedEvent } from "./business-event.ts";
import { toRaisedEvent, withEventId } from "./business-event.ts";
import type { EntityTable, StoredRow } from "./entity-table.ts";
import type { Door, EventEndpoint } from "./event-endpoint.ts";
import type { EventOutbox, Sending } from "./event-outbox.ts";
import { FinanceError } from "./finance-error.ts";
import type { FinanceWorld } from "./finance-world.ts";
import type { PostRequest } from "./invoice-document.ts";
import { postInvoice } from "./post-invoice.ts";
import type { PostedDocument } from "./post-invoice.ts";
import { checkValues } from "./write-row.ts";

export interface SimOptions {
  readonly world: FinanceWorld;
  readonly outbox: EventOutbox;
  readonly clock: LocalClock;
  readonly configure: (endpoints: readonly EventEndpoint[]) => void;
}

interface PostBody extends PostRequest {
  /** Which endpoints get the event; every active one when left out. */
  readonly door?: Door | readonly Door[];
  /** So many documents, each under its own number. */
  readonly repeat?: number;
  /** Answer only after the event was sent or given up. */
  readonly wait?: boolean;
  /** When it was posted and its event raised: what looks at documents that have settled finds it at once. */
  readonly minutesAgo?: number;
}

/** The lowest 64-bit number: what the endpoint test event carries as its control number. */
const INT64_MIN = -(2n ** 63n);
const MAX_REPEAT = 10_000;

export function createSimRoutes(options: SimOptions): Hono {
  const { world, outbox, configure } = options;
  const app = new Hono();
  app.post("/post-invoice", (context) => post(context, options));
  app.post("/test-event", (context) => sendTestEvent(context, options));
  app.post("/resend", (context) => resend(context, options));
  app.get("/events", (context) => context.json(outbox.sendings.map(toListed)));
  app.get("/errors", (context) =>
    context.json(outbox.sendings.filter(({ state }) => state === "error").map(toListed)),
  );
  app.get("/endpoints", (context) =>
    context.json(outbox.endpoints.map(({ name, type }) => ({ name, type }))),
  );
  app.put("/endpoints", async (context) => {
    const { endpoints } = await readBody<{ readonly endpoints?: readonly EventEndpoint[] }>(
      context,
    );
    if (!Array.isArray(endpoints)) throw new FinanceError("BAD_REQUEST", "endpoints is no array");
    configure(endpoints);
    return context.json({ endpoints: endpoints.length });
  });
  app.patch("/endpoints/:name", (context) => activate(context, options));
  app.post("/customers", async (context) => {
    const {
      company = "",
      account = "",
      name = "",
      email = "",
    } = await readBody<Readonly<Record<string, string | undefined>>>(context);
    world.addCustomer({ company, account, name, email });
    return context.json({ company, account }, 201);
  });
  app.patch("/customers/:company/:account", (context) =>
    change(context, [findCustomer(context, world)]),
  );
  app.delete("/customers/:company/:account", (context) => {
    const { table, row } = findCustomer(context, world);
    table.delete(row);
    return context.body(null, 204);
  });
  app.patch("/invoices/:company/:number", (context) =>
    change(context, findInvoice(context, world)),
  );
  app.delete("/invoices/:company/:number", (context) => {
    for (const { table, row } of findInvoice(context, world)) table.delete(row);
    return context.body(null, 204);
  });
  return app;
}

/** In which companies the endpoint's business events are active: an empty list for none, null for all. */
async function activate(context: Context, { outbox, configure }: SimOptions): Promise<Response> {
  const name = context.req.param("name");
  const { legalEntities = null } = await readBody<{
    readonly legalEntities?: readonly string[] | null;
  }>(context);
  const found = outbox.endpoints.find((endpoint) => endpoint.name === name);
  if (found === undefined)
    throw new FinanceError("NOT_FOUND", `There is no endpoint ${name ?? ""}`);
  const changed = { ...found, legalEntities: legalEntities ?? undefined };
  configure(outbox.endpoints.map((endpoint) => (endpoint === found ? changed : endpoint)));
  return context.json({ name, legalEntities });
}

async function post(context: Context, options: SimOptions): Promise<Response> {
  const { world, outbox, clock } = options;
  const {
    door,
    minutesAgo = 0,
    repeat = 1,
    wait = false,
    ...request
  } = await readBody<PostBody>(context);
  if (!Number.isInteger(repeat) || repeat < 1 || repeat > MAX_REPEAT) {
    throw new FinanceError("BAD_REQUEST", `repeat must be a whole number from 1 to ${MAX_REPEAT}`);
  }
  if (typeof minutesAgo !== "number" || !(minutesAgo >= 0)) {
    throw new FinanceError("BAD_REQUEST", "minutesAgo must be a number that is not below 0");
  }
  const postedAt = clock.now() - minutesAgo * 60_000;
  const doors = door === undefined ? [] : typeof door === "string" ? [door] : door;
  const endpoints = outbox.endpointsFor((request.company ?? "usmf").toLowerCase(), doors);
  const posted = Array.from({ length: repeat }, () => postInvoice(world, request, postedAt));
  // After the commit, and not part of it: a receiver that is away never undoes a posting.
  const sent = Promise.all(posted.flatMap(({ event }) => send(outbox, event, endpoints)));
  const states = wait ? { sendings: (await sent).map(toListed) } : {};
  const [first] = posted.map(toAnswer);
  return context.json({
    ...first,
    ...(repeat > 1 ? { documents: posted.map(toAnswer) } : {}),
    ...states,
  });
}

function toAnswer(document: PostedDocument): Omit<PostedDocument, "event"> {
  const { legalEntity, number, voucher, eventId, businessEventId, controlNumber } = document;
  return { legalEntity, number, voucher, eventId, businessEventId, controlNumber };
}

async function sendTestEvent(
  context: Context,
  { world, outbox, clock }: SimOptions,
): Promise<Response> {
  const { company = "usmf", door } = await readBody<{ company?: string; door?: Door }>(context);
  const event = toRaisedEvent(
    {
      businessEventId: "BusinessEventsTestEndpointContract",
      legalEntity: company,
      eventId: world.nextGuid(),
      controlNumber: INT64_MIN,
      timeMs: clock.now(),
      timeFraction: 0,
    },
    {},
    "",
  );
  const endpoints = outbox.endpointsFor(company, door === undefined ? [] : [door]);
  const sendings = await Promise.all(send(outbox, event, endpoints));
  return context.json({ eventId: event.eventId, sendings: sendings.map(toListed) });
}

async function resend(context: Context, { world, outbox }: SimOptions): Promise<Response> {
  const body = await readBody<{ eventId?: string; newEventId?: boolean; door?: Door }>(context);
  const wanted = body.eventId?.toUpperCase();
  const sendings = outbox.sendings.filter(({ event }) => event.eventId === wanted);
  const [first] = sendings;
  if (first === undefined) {
    throw new FinanceError("NOT_FOUND", `No event ${wanted ?? ""} was raised or it was forgotten`);
  }
  const errors = sendings.filter(({ state }) => state === "error");
  if (body.newEventId === true || body.door !== undefined || errors.length === 0) {
    const event =
      body.newEventId === true ? withEventId(first.event, world.nextGuid()) : first.event;
    const doors = body.door === undefined ? [first.door] : [body.door];
    const endpoints = outbox.endpointsFor(event.legalEntity, doors);
    const again = await Promise.all(send(outbox, event, endpoints));
    return context.json({ eventId: event.eventId, sendings: again.map(toListed) });
  }
  await Promise.all(errors.map((sending) => outbox.resend(sending)));
  return context.json({ eventId: first.event.eventId, sendings: errors.map(toListed) });
}

function send(
  outbox: EventOutbox,
  event: RaisedEvent,
  endpoints: readonly EventEndpoint[],
): readonly Promise<Sending>[] {
  return endpoints.map((endpoint) => outbox.send(event, endpoint));
}

function toListed({ event, endpoint, state, tries, sentAtMs, lastError }: Sending): unknown {
  const { eventId, businessEventId, legalEntity } = event;
  return {
    eventId,
    businessEventId,
    legalEntity,
    endpoint,
    state,
    tries,
    ...(sentAtMs === undefined ? {} : { sentAt: new Date(sentAtMs).toISOString() }),
    ...(lastError === undefined ? {} : { lastError }),
  };
}

interface Found {
  readonly table: EntityTable;
  readonly row: StoredRow;
}

function findCustomer(context: Context, world: FinanceWorld): Found {
  const table = world.table("CustomersV3");
  const { company, account } = context.req.param() as Readonly<Record<string, string>>;
  const row = table.find({ dataAreaId: company, CustomerAccount: account });
  if (row === undefined)
    throw new FinanceError("NOT_FOUND", `There is no customer ${account ?? ""}`);
  return { table, row };
}

const INVOICE_COLUMNS = [
  ["SalesInvoiceHeadersV2", "InvoiceNumber"],
  ["SalesInvoiceV2Lines", "InvoiceNumber"],
  ["CustInvoiceJourBiEntities", "InvoiceId"],
  ["FreeTextInvoiceHeaders", "FreeTextNumber"],
] as const;

/** Every row of a posted document. */
function findInvoice(context: Context, world: FinanceWorld): readonly Found[] {
  const { company, number } = context.req.param() as Readonly<Record<string, string>>;
  const found = INVOICE_COLUMNS.flatMap(([set, column]) => {
    const table = world.table(set);
    return table
      .findBy(column, number)
      .filter(({ values }) => values["dataAreaId"] === company)
      .map((row) => ({ table, row }));
  });
  if (found.length === 0)
    throw new FinanceError("NOT_FOUND", `There is no invoice ${number ?? ""}`);
  return found;
}

/** Changes the named columns in every row whose set has them. */
async function change(context: Context, rows: readonly Found[]): Promise<Response> {
  const values = await readBody<Readonly<Record<string, unknown>>>(context);
  const unknown = Object.keys(values).find(
    (name) => !rows.some(({ table }) => name in table.set.columns),
  );
  if (unknown !== undefined) throw new FinanceError("BAD_REQUEST", `There is no column ${unknown}`);
  for (const { table, row } of rows) {
    const own = Object.entries(values).filter(([name]) => name in table.set.columns);
    table.update(row, checkValues(table.set, Object.fromEntries(own)));
  }
  return context.body(null, 204);
}

async function readBody<T extends object>(context: Context): Promise<Partial<T>> {
  const text = await context.req.text();
  if (text === "") return {};
  try {
    return JSON.parse(text) as Partial<T>;
  } catch (error) {
    throw new FinanceError("BAD_REQUEST", "The body is not JSON", error);
  }
}
