import { allowLoopbackPages } from "../loopback-origin.ts";
import { Hono, type Context } from "hono";
import { randomBytes } from "node:crypto";
import { createFaults, type Faults } from "../faults.ts";
import type { LocalClock } from "../clock.ts";
import { createRequestCounts } from "../request-counts.ts";
import { answerQuery } from "./answer-query.ts";
import { crmObjects } from "./crm-objects.ts";
import { salesforceError, type SalesforceError } from "./salesforce-error.ts";
import { createRecordStore, type CrmRecord, type RecordStore } from "./record-store.ts";

/** https://developer.salesforce.com/docs (Collections: 200 records a call, https limit of sObject Collections). */
const MAX_COLLECTION = 200;
const TOKEN_LIFETIME_MS = 2 * 60 * 60 * 1000;

export interface CrmOptions {
  readonly clock: LocalClock;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly baseUrl: () => string;
  /** Calls a day that the org's edition allows (header sforce-limit-info). */
  readonly dailyLimit?: number;
  /** 0 ≤ random < 1; what faults are drawn with. */
  readonly random?: () => number;
}

export interface CrmApp {
  readonly app: Hono;
  readonly faults: Faults;
  records(object: string): readonly CrmRecord[];
  /** Records of collections that were refused because somebody else held their row. */
  readonly refusedRows: () => number;
  configure(changes: Partial<CrmSettings>): void;
}

export interface CrmSettings {
  /** Share of the records of a collection that are refused because somebody else holds their row. */
  readonly lockedShare: number;
}

/**
 * A Salesforce org as REST v60 shows it: OAuth client credentials, upsert by external id (201 created,
 * 200 updated, 300 when the external id is not unique and nothing was written), collections, errors as arrays.
 */
export function createCrmApp(options: CrmOptions): CrmApp {
  const app = new Hono();
  const store = createRecordStore(options.clock);
  const tokens = new Map<string, number>();
  const { random = Math.random } = options;
  const faults = createFaults(options.clock, { random });
  let calls = 0;
  let refusedRows = 0;
  let settings: CrmSettings = { lockedShare: 0 };

  app.use(allowLoopbackPages);
  app.use(createRequestCounts());
  app.use(faults.middleware);
  app.post("/services/oauth2/token", async (c) => {
    const form = Object.fromEntries(new URLSearchParams(await c.req.text()));
    const answer = grantToken(form, options);
    if ("error" in answer) return c.json(answer, 400);
    const token = `00D${randomBytes(24).toString("base64url")}`;
    tokens.set(token, options.clock.now() + TOKEN_LIFETIME_MS);
    return c.json({
      access_token: token,
      instance_url: options.baseUrl(),
      id: `${options.baseUrl()}/id/00D/005`,
      token_type: "Bearer",
      issued_at: String(options.clock.now()),
    });
  });
  app.use("/services/data/*", async (c, next) => {
    const token = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    const expiresAt = token === undefined ? undefined : tokens.get(token);
    if (expiresAt === undefined || expiresAt <= options.clock.now()) {
      return c.json([salesforceError("INVALID_SESSION_ID", "Session expired or invalid")], 401);
    }
    calls += 1;
    // Before the answer is made: an answer that is there would be made again with it.
    c.header("sforce-limit-info", `api-usage=${calls}/${options.dailyLimit ?? 15_000}`);
    return next();
  });
  addDataRoutes(app, store, () => {
    const isLocked = random() < settings.lockedShare;
    if (isLocked) refusedRows += 1;
    return isLocked;
  });
  app.get("/sim/records/:object", (c) =>
    c.json(store.list(c.req.param("object")).slice(Number(c.req.query("skip") ?? 0))),
  );
  app.get("/sim/records/:object/:id", (c) => {
    const record = store.byId(c.req.param("object"), c.req.param("id"));
    return record === undefined ? c.notFound() : c.json(record);
  });
  app.post("/sim/records/:object", async (c) =>
    c.json(store.insert(c.req.param("object"), await readFields(c)), 201),
  );
  return {
    app,
    faults,
    records: (object) => store.list(object),
    refusedRows: () => refusedRows,
    configure: (changes) => {
      settings = { ...settings, ...changes };
    },
  };
}

function addDataRoutes(app: Hono, store: RecordStore, isLocked: () => boolean): void {
  app.patch("/services/data/:version/composite/sobjects/:object/:field", (c) =>
    upsertCollection(c, store, isLocked),
  );
  app.patch("/services/data/:version/sobjects/:object/:field/:value", (c) => upsertOne(c, store));
  app.get("/services/data/:version/query", (c) => {
    const answer = answerQuery(store, c.req.query("q") ?? "", (...place) => recordUrl(c, ...place));
    return "errorCode" in answer ? c.json([answer], 400) : c.json(answer);
  });
  app.get("/services/data/:version/sobjects/:object/:field/:value", (c) => {
    const { object, field, value } = c.req.param();
    const found = field === "Id" ? store.byId(object, value) : store.find(object, field, value)[0];
    if (found === undefined) {
      return c.json([salesforceError("NOT_FOUND", "The requested resource does not exist")], 404);
    }
    return c.json({ attributes: { type: object, url: recordUrl(c, object, found.Id) }, ...found });
  });
}

async function upsertOne(c: Context, store: RecordStore): Promise<Response> {
  const { object = "", field = "", value = "" } = c.req.param() as Record<string, string>;
  const fields = await readFields(c);
  const problem = checkRecord(object, field, fields);
  if (problem !== undefined)
    return c.json([problem], problem.errorCode === "NOT_FOUND" ? 404 : 400);
  const matches = store.find(object, field, value);
  if (matches.length > 1)
    return c.json(
      matches.map((record) => recordUrl(c, object, record.Id)),
      300,
    );
  const { record, created } = store.upsert(object, field, value, fields);
  if (created) c.header("Location", recordUrl(c, object, record.Id));
  return c.json({ id: record.Id, success: true, errors: [], created }, created ? 201 : 200);
}

async function upsertCollection(
  c: Context,
  store: RecordStore,
  isLocked: () => boolean,
): Promise<Response> {
  const { object = "", field = "" } = c.req.param() as Record<string, string>;
  const body: unknown = await c.req.json().catch(() => undefined);
  const records = isFields(body) && Array.isArray(body["records"]) ? body["records"] : undefined;
  if (records === undefined) {
    return c.json([salesforceError("JSON_PARSER_ERROR", "The records array is missing")], 400);
  }
  if (records.length > MAX_COLLECTION) {
    return c.json(
      [
        salesforceError(
          "LIMIT_EXCEEDED",
          `record limit reached. cannot submit more than ${MAX_COLLECTION} records into this call`,
        ),
      ],
      400,
    );
  }
  return c.json(
    records.map((record: unknown) =>
      isLocked() ? rowLocked : upsertListed(store, object, field, record),
    ),
  );
}

const rowLocked = {
  success: false,
  errors: [
    { statusCode: "UNABLE_TO_LOCK_ROW", message: "unable to obtain exclusive access", fields: [] },
  ],
};

function upsertListed(
  store: RecordStore,
  object: string,
  field: string,
  record: unknown,
): Record<string, unknown> {
  const members = Object.entries(isFields(record) ? record : {});
  const value = members.find(([name]) => name === field)?.[1];
  const fields = Object.fromEntries(
    members.filter(([name]) => name !== field && name !== "attributes"),
  );
  const problem =
    typeof value === "string" && value !== ""
      ? checkRecord(object, field, fields)
      : salesforceError("MISSING_ARGUMENT", `${field} not specified`, [field]);
  const many = problem === undefined && store.find(object, field, String(value)).length > 1;
  if (problem !== undefined || many) {
    const {
      errorCode,
      message,
      fields: names,
    } = problem ??
    salesforceError("DUPLICATE_EXTERNAL_ID", "The external id is not unique", [field]);
    return { success: false, errors: [{ statusCode: errorCode, message, fields: names ?? [] }] };
  }
  const saved = store.upsert(object, field, String(value), fields);
  return { id: saved.record.Id, success: true, created: saved.created, errors: [] };
}

/** Checks a record's fields as Salesforce would; undefined when it may be written. */
function checkRecord(
  object: string,
  externalIdField: string,
  fields: Readonly<Record<string, unknown>>,
): SalesforceError | undefined {
  const schema = crmObjects[object];
  if (schema === undefined || schema.externalId !== externalIdField) {
    return salesforceError("NOT_FOUND", "The requested resource does not exist");
  }
  if ("Id" in fields || externalIdField in fields) {
    return salesforceError(
      "INVALID_FIELD",
      `The ${externalIdField} field should not be specified in the sobject data.`,
      [externalIdField],
    );
  }
  for (const [name, value] of Object.entries(fields)) {
    const field = schema.fields[name];
    if (field === undefined) {
      return salesforceError(
        "INVALID_FIELD",
        `No such column '${name}' on sobject of type ${object}`,
        [name],
      );
    }
    if (value !== null && !field.accepts(value)) {
      return salesforceError(
        "JSON_PARSER_ERROR",
        `Cannot deserialize instance of ${field.type} from value for ${name}`,
        [name],
      );
    }
    if (
      field.maxLength !== undefined &&
      typeof value === "string" &&
      value.length > field.maxLength
    ) {
      return salesforceError(
        "STRING_TOO_LONG",
        `${name}: data value too large (max length=${field.maxLength})`,
        [name],
      );
    }
  }
  const missing = Object.entries(schema.fields)
    .filter(
      ([name, field]) => field.required && (fields[name] === undefined || fields[name] === null),
    )
    .map(([name]) => name);
  return missing.length === 0
    ? undefined
    : salesforceError(
        "REQUIRED_FIELD_MISSING",
        `Required fields are missing: [${missing.join(", ")}]`,
        missing,
      );
}

function grantToken(
  form: Readonly<Record<string, unknown>>,
  options: CrmOptions,
): { readonly error: string; readonly error_description: string } | Record<string, never> {
  if (form["grant_type"] !== "client_credentials") {
    return { error: "unsupported_grant_type", error_description: "grant type not supported" };
  }
  if (form["client_id"] !== options.clientId) {
    return { error: "invalid_client_id", error_description: "client identifier invalid" };
  }
  return form["client_secret"] === options.clientSecret
    ? {}
    : { error: "invalid_client", error_description: "invalid client credentials" };
}

async function readFields(c: Context): Promise<Record<string, unknown>> {
  const body: unknown = await c.req.json().catch(() => ({}));
  return isFields(body) ? body : {};
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function recordUrl(c: Context, object: string, id: string): string {
  return `/services/data/${c.req.param("version") ?? "v60.0"}/sobjects/${object}/${id}`;
}
