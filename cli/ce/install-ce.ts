import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { toAttribute, toKey, toView } from "./component-bodies.ts";
import { columns, keys, publisher, role, solution, view } from "./desired-state.ts";
import { createWebApi, type CeErrorCode, type WebApi, type WebApiOptions } from "./web-api.ts";

/**
 * Steps run in this order, each only when CE lacks its thing: publisher, solution, columns, publish,
 * keys (asked for, then waited for until Active), view, role. A step that is done is left alone, so the
 * installation may be stopped anywhere and run again.
 */
export interface InstallStep {
  readonly kind: "publisher" | "solution" | "column" | "key" | "view" | "role";
  readonly name: string;
  readonly state: "present" | "missing" | "building";
}

export interface InstallOptions extends Omit<WebApiOptions, "solution"> {
  readonly clock: Clock;
  /** Called when a step begins and when it is done. */
  readonly onProgress?: (step: InstallStep, phase: "started" | "done") => void;
  /** How long a key may take to become Active; building one over many rows takes minutes. */
  readonly keyTimeoutMs?: number;
}

const defaultKeyTimeoutMs = 30 * 60_000;

/** What is there and what is missing; writes nothing. */
export async function planInstall(options: InstallOptions): Promise<readonly InstallStep[]> {
  const api = createWebApi(options);
  const [steps, rest] = await Promise.all([readTables(api), readRows(api)]);
  return [...rest.slice(0, 2), ...steps, ...rest.slice(2)];
}

/** Brings CE to the desired state; returns the steps that were done. */
export async function applyInstall(options: InstallOptions): Promise<readonly InstallStep[]> {
  const plan = await planInstall(options);
  const todo = plan.filter(({ state }) => state !== "present");
  const report = options.onProgress ?? (() => undefined);
  const plain = createWebApi(options);
  for (const kind of ["publisher", "solution", "column"] as const) {
    for (const step of todo.filter((each) => each.kind === kind)) await run(step);
  }
  if (todo.some(({ kind }) => kind === "column")) await plain.post("PublishAllXml", {});
  // Key indexes are built by background jobs: ask for all of them, then wait for all of them.
  const newKeys = todo.filter(({ kind }) => kind === "key");
  for (const step of newKeys) if (step.state === "missing") await create(step);
  for (const step of newKeys) await waitUntilActive(plain, step);
  for (const step of todo.filter(({ kind }) => kind === "view" || kind === "role")) await run(step);
  return todo;

  async function run(step: InstallStep): Promise<void> {
    await create(step);
    report(step, "done");
  }

  async function create(step: InstallStep): Promise<void> {
    report(step, "started");
    const inSolution = step.kind !== "publisher" && step.kind !== "solution";
    const api = inSolution ? createWebApi({ ...options, solution: solution.name }) : plain;
    await createComponent(api, step);
  }

  async function waitUntilActive(api: WebApi, step: InstallStep): Promise<void> {
    const giveUpAt = options.clock.now() + (options.keyTimeoutMs ?? defaultKeyTimeoutMs);
    for (let waitMs = 50; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      const status = await keyStatus(api, step.name);
      if (status === "Active") break;
      if (status === "Failed")
        throw keyError(
          "CE_KEY_FAILED",
          step,
          "its index could not be built: are there rows with the same cwy_key?",
        );
      if (options.clock.now() >= giveUpAt)
        throw keyError(
          "CE_KEY_NOT_ACTIVE",
          step,
          `it is still ${status}; run the command again later.`,
        );
      await options.clock.sleep(waitMs);
    }
    report(step, "done");
  }
}

async function readTables(api: WebApi): Promise<readonly InstallStep[]> {
  const tables = [...new Set(columns.map(({ table }) => table))];
  const found = await Promise.all(
    tables.map(async (table) => {
      const definition = await api.get(
        `EntityDefinitions(LogicalName='${table}')?$select=LogicalName&$expand=Attributes($select=LogicalName),Keys($select=SchemaName,EntityKeyIndexStatus)`,
      );
      if (definition === undefined) {
        throw new CausewayError<CeErrorCode>(
          "CE_REFUSED",
          `CE has no table ${table}: Dynamics 365 Sales is not installed in this environment.`,
          { fate: "permanent", ids: { table } },
        );
      }
      return {
        table,
        names: namesOf(definition["Attributes"], "LogicalName"),
        keys: statusesOf(definition["Keys"]),
      };
    }),
  );
  const of = (table: string) => found.find((each) => each.table === table);
  const columnSteps = columns.map(({ table, name }): InstallStep => ({
    kind: "column",
    name: `${table}.${name}`,
    state: of(table)?.names.has(name) === true ? "present" : "missing",
  }));
  const keySteps = keys.map(({ table, name }): InstallStep => {
    const status = of(table)?.keys.get(name);
    const state = status === "Active" ? "present" : status === undefined ? "missing" : "building";
    return { kind: "key", name: `${table}.${name}`, state };
  });
  return [...columnSteps, ...keySteps];
}

async function readRows(api: WebApi): Promise<readonly InstallStep[]> {
  const wanted = [
    {
      kind: "publisher",
      name: publisher.name,
      path: `publishers?$select=publisherid&$filter=uniquename eq '${publisher.name}'`,
    },
    {
      kind: "solution",
      name: solution.name,
      path: `solutions?$select=solutionid&$filter=uniquename eq '${solution.name}'`,
    },
    {
      kind: "view",
      name: view.name,
      path: `savedqueries?$select=savedqueryid&$filter=name eq '${view.name}' and returnedtypecode eq '${view.table}'`,
    },
    { kind: "role", name: role.name, path: `roles?$select=roleid&$filter=name eq '${role.name}'` },
  ] as const;
  return Promise.all(
    wanted.map(async ({ kind, name, path }): Promise<InstallStep> => {
      const found = valuesOf(await api.get(path));
      return { kind, name, state: found.length > 0 ? "present" : "missing" };
    }),
  );
}

async function createComponent(api: WebApi, step: InstallStep): Promise<void> {
  switch (step.kind) {
    case "publisher":
      await api.post("publishers", {
        uniquename: publisher.name,
        friendlyname: publisher.label,
        customizationprefix: publisher.prefix,
        customizationoptionvalueprefix: 41_730,
      });
      return;
    case "solution":
      await createSolution(api);
      return;
    case "column": {
      const column = columns.find(({ table, name }) => `${table}.${name}` === step.name);
      if (column !== undefined) {
        await api.post(
          `EntityDefinitions(LogicalName='${column.table}')/Attributes`,
          toAttribute(column),
        );
      }
      return;
    }
    case "key": {
      const key = keys.find(({ table, name }) => `${table}.${name}` === step.name);
      if (key !== undefined) {
        await api.post(`EntityDefinitions(LogicalName='${key.table}')/Keys`, toKey(key));
      }
      return;
    }
    case "view":
      await api.post("savedqueries", toView(view));
      return;
    case "role":
      await createRole(api);
      return;
  }
}

async function createSolution(api: WebApi): Promise<void> {
  const rows = valuesOf(
    await api.get(`publishers?$select=publisherid&$filter=uniquename eq '${publisher.name}'`),
  );
  await api.post("solutions", {
    uniquename: solution.name,
    friendlyname: solution.label,
    version: solution.version,
    "publisherid@odata.bind": `/publishers(${String(rows[0]?.["publisherid"])})`,
  });
}

async function createRole(api: WebApi): Promise<void> {
  const names = role.privileges.map((name) => `name eq '${name}'`).join(" or ");
  const [units, privileges] = await Promise.all([
    api.get("businessunits?$select=businessunitid&$filter=parentbusinessunitid eq null"),
    api.get(`privileges?$select=privilegeid,name&$filter=${names}`),
  ]);
  const unit = String(valuesOf(units)[0]?.["businessunitid"]);
  const id = await api.post("roles", {
    name: role.name,
    "businessunitid@odata.bind": `/businessunits(${unit})`,
  });
  await api.post(`roles(${id})/Microsoft.Dynamics.CRM.AddPrivilegesRole`, {
    Privileges: valuesOf(privileges).map((privilege) => ({
      Depth: "Global",
      PrivilegeId: privilege["privilegeid"],
      BusinessUnitId: unit,
    })),
  });
}

async function keyStatus(api: WebApi, stepName: string): Promise<string> {
  const [table = "", name = ""] = stepName.split(".");
  const definition = await api.get(
    `EntityDefinitions(LogicalName='${table}')?$select=LogicalName&$expand=Keys($select=SchemaName,EntityKeyIndexStatus)`,
  );
  return statusesOf(definition?.["Keys"]).get(name) ?? "Pending";
}

function keyError(
  code: CeErrorCode,
  step: InstallStep,
  reason: string,
): CausewayError<CeErrorCode> {
  return new CausewayError(code, `The alternate key ${step.name} is not usable: ${reason}`, {
    fate: "permanent",
    ids: { key: step.name },
  });
}

function valuesOf(body: unknown): readonly Readonly<Record<string, unknown>>[] {
  const value = (body as { readonly value?: unknown } | undefined)?.value;
  return Array.isArray(value) ? (value as Record<string, unknown>[]) : [];
}

function namesOf(rows: unknown, member: string): ReadonlySet<string> {
  return new Set(valuesOf({ value: rows }).map((row) => String(row[member])));
}

function statusesOf(rows: unknown): ReadonlyMap<string, string> {
  return new Map(
    valuesOf({ value: rows }).map((row) => [
      String(row["SchemaName"]),
      String(row["EntityKeyIndexStatus"]),
    ]),
  );
}
