import { allowLoopbackPages } from "../loopback-origin.ts";
import { Hono } from "hono";
import type { Context } from "hono";
import { randomUUID } from "node:crypto";
import type { LocalServices } from "../cloud.ts";
import { createFaults, type Faults } from "../faults.ts";
import { createRequestCounts } from "../request-counts.ts";
import { RolePrivileges } from "./access-check.ts";
import { Database } from "./database.ts";
import { DataverseError, errorCodes, missingResource } from "./dataverse-error.ts";
import { EntityDefinitions } from "./entity-definitions.ts";
import { countOperations, handleBatch } from "./handle-batch.ts";
import { handleRequest, toErrorResponse } from "./handle-request.ts";
import { apiPath } from "./organization.ts";
import type { DataverseRequest, DataverseResponse, Organization } from "./organization.ts";
import { addAccount, seedOrganization } from "./seed-organization.ts";
import { showRow } from "./show-row.ts";
import { ServiceProtection } from "./service-protection.ts";
import { readTables } from "./table-metadata.ts";
import type { DataverseShape } from "./table-metadata.ts";
import type { Row } from "./table-store.ts";

export interface DataverseOptions {
  /** Also the token audience, without trailing slash. */
  readonly baseUrl: () => string;
  readonly shape: DataverseShape;
  /** `windowMs`: 5 minutes when left out. */
  readonly limits?: { readonly enforce: boolean; readonly windowMs?: number };
  /** How long the index of a new alternate key takes. Default 300 ms. */
  readonly keyJobMs?: number;
  readonly entityIdStyle?: "guid" | "key";
}

export interface DataverseApp {
  readonly app: Hono;
  readonly faults: Faults;
  /** Rows of a table by logical name, as stored. */
  rows(table: string): readonly Row[];
  /**
   * Lets a client (by client id or service principal object id) in; others get 403. With names of
   * security roles it may do what these allow, without them everything.
   */
  registerApplicationUser(id: string, roles?: readonly string[]): void;
  addAccount(accountNumber: string, name: string): Row;
  /** Sets columns of a row past every rule, e.g. to close an invoice in a test. */
  overwrite(table: string, id: string, values: Row): void;
}

/** A Dataverse organisation's Web API v9.2 on one in-memory database. */
export function createDataverseApp(
  services: LocalServices,
  options: DataverseOptions,
): DataverseApp {
  const database = new Database(services.clock, readTables(options.shape));
  const admin = seedOrganization(database, options.shape);
  for (const table of database.tables()) activateStandardKeys(table);
  const organization: Organization = {
    id: randomUUID(),
    clock: services.clock,
    database,
    definitions: new EntityDefinitions(services.clock, database, options.keyJobMs ?? 300),
    privileges: new RolePrivileges(),
    baseUrl: options.baseUrl,
    entityIdStyle: options.entityIdStyle ?? "guid",
  };
  const users = new Map<string, Caller>();
  const app = new Hono();
  const { random = Math.random } = services;
  const faults = createFaults(services.clock, { toBody: toFaultBody, random });
  app.use(allowLoopbackPages);
  app.use(createRequestCounts());
  app.use(faults.middleware);
  addSimRoutes(app, database, admin);
  addApiRoutes(app, services, options, organization, users);
  return {
    app,
    faults,
    rows: (table) => [...database.table(table).rows()],
    registerApplicationUser: (id, roles) => {
      const user = addApplicationUser(database, id);
      users.set(id.toLowerCase(), { user, roles: roles ?? "all" });
    },
    addAccount: (accountnumber, name) => addAccount(database, admin, { accountnumber, name }),
    overwrite: (table, id, values) => {
      const row = database.table(table).byId(id);
      if (row !== undefined) database.put(table, { ...row, ...values });
    },
  };
}

/** A fault that was asked for, in Dataverse's words. */
function toFaultBody(status: number): unknown {
  const code = status === 429 ? errorCodes.tooManyRequests : "0x80040216";
  return { error: { code, message: "A fault that was asked for." } };
}

type Caller = Pick<DataverseRequest, "user" | "roles">;

function addSimRoutes(app: Hono, database: Database, admin: string): void {
  app.get("/main.aspx", (c) => {
    const page = showRow(database, c.req.query("etn") ?? "", c.req.query("id") ?? "");
    return page === undefined ? c.text("There is no such record.", 404) : c.html(page);
  });
  app.get("/sim/rows/:table", (c) => {
    const table = database.findTable(c.req.param("table"));
    return table === undefined
      ? c.json({ error: `no table ${c.req.param("table")}` }, 404)
      : c.json([...table.rows()]);
  });
  app.get("/sim/created/:table", (c) => {
    const table = database.findTable(c.req.param("table"));
    if (table === undefined) return c.json({ error: `no table ${c.req.param("table")}` }, 404);
    const columns = (c.req.query("columns") ?? "").split(",").filter((name) => name !== "");
    return c.json(
      [...table.rows()].slice(Number(c.req.query("skip") ?? 0)).map((row) => ({
        at: table.createdAtMs.get(table.idOf(row)) ?? null,
        ...Object.fromEntries(columns.map((name) => [name, row[name] ?? null])),
      })),
    );
  });
  app.post("/sim/accounts", async (c) => {
    const body: unknown = await c.req.json();
    const { accountnumber, name } = body as { accountnumber?: unknown; name?: unknown };
    if (typeof accountnumber !== "string" || typeof name !== "string") {
      return c.json({ error: "accountnumber and name are needed" }, 400);
    }
    return c.json(addAccount(database, admin, { accountnumber, name }), 201);
  });
}

function addApiRoutes(
  app: Hono,
  services: LocalServices,
  options: DataverseOptions,
  organization: Organization,
  users: ReadonlyMap<string, Caller>,
): void {
  const protection =
    options.limits?.enforce === true
      ? new ServiceProtection(services.clock, options.limits.windowMs)
      : undefined;
  app.all("/api/data/:version/*", async (c) => {
    let caller: Caller;
    try {
      caller = await authenticate(c, services, options, users);
    } catch (error) {
      return send(toErrorResponse(error));
    }
    const { user } = caller;
    const request = await toRequest(c, caller);
    if (protection === undefined) return send(answer(organization, request));
    try {
      protection.enter(user, request.path === "$batch" ? countOperations(request) : 1);
    } catch (error) {
      return send(toErrorResponse(error), protection.headers(user));
    }
    try {
      // One turn of the loop, so that requests really overlap and concurrency can be reached.
      await new Promise((resolve) => setImmediate(resolve));
      return send(answer(organization, request), protection.headers(user));
    } finally {
      protection.leave(user);
    }
  });
}

function answer(organization: Organization, request: DataverseRequest): DataverseResponse {
  if (request.path !== "$batch") return handleRequest(organization, request);
  return request.method === "POST"
    ? handleBatch(organization, request)
    : toErrorResponse(missingResource("$batch"));
}

async function authenticate(
  c: Context,
  services: LocalServices,
  options: DataverseOptions,
  users: ReadonlyMap<string, Caller>,
): Promise<Caller> {
  const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  if (token === undefined) throw unauthorized("The authorization header is missing.");
  const claims = await services.tokens
    .verify(token, [options.baseUrl()])
    .catch((error: unknown) => {
      throw unauthorized(String(error));
    });
  const caller =
    users.get(claims.clientId.toLowerCase()) ?? users.get(claims.principalId.toLowerCase());
  if (caller !== undefined) return caller;
  throw new DataverseError(
    403,
    errorCodes.notAMember,
    `The user is not a member of the organization. (application ${claims.clientId})`,
  );
}

function unauthorized(detail: string): DataverseError {
  return new DataverseError(401, "0x80041d4c", detail, { "www-authenticate": "Bearer" });
}

async function toRequest(c: Context, caller: Caller): Promise<DataverseRequest> {
  const url = new URL(c.req.url);
  // Raw, still encoded: the key in it may contain anything.
  const path = url.pathname.slice(apiPath.length) + url.search;
  return {
    method: c.req.method,
    path: path === "%24batch" ? "$batch" : path,
    headers: { get: (name) => c.req.header(name) ?? null },
    body: await c.req.text(),
    ...caller,
  };
}

function send(response: DataverseResponse, more: Readonly<Record<string, string>> = {}): Response {
  return new Response(response.status === 204 ? null : (response.body ?? ""), {
    status: response.status,
    headers: { ...response.headers, ...more, "x-ms-service-request-id": randomUUID() },
  });
}

function addApplicationUser(database: Database, id: string): string {
  const systemuserid = randomUUID();
  database.put("systemuser", {
    systemuserid,
    applicationid: id,
    azureactivedirectoryobjectid: id,
    fullname: "# Causeway",
    firstname: "#",
    lastname: "Causeway",
    isdisabled: false,
  });
  return systemuserid;
}

function activateStandardKeys(table: ReturnType<Database["table"]>): void {
  for (const { schemaName, columns } of table.metadata.keys) {
    const key = {
      id: randomUUID(),
      schemaName,
      logicalName: schemaName.toLowerCase(),
      displayName: schemaName,
      columns,
      status: "Pending" as const,
      index: new Map<string, string>(),
    };
    table.keys.push(key);
    table.activateKey(key);
  }
}
