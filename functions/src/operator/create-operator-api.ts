/*
 * The one way in for the command line and the console: a table of routes behind one HTTP function. Deny by
 * default: a request is first asked from where it comes, then signed in, then matched, then its role is checked, and only then is its body
 * read. Whoever is not signed in does not even learn which routes there are.
 */
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { asError } from "../platform/causeway-error.ts";
import { TableError } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import type { CheckAddress } from "./check-address.ts";
import type { CheckToken } from "./check-token.ts";
import { OperatorError } from "./operator-error.ts";
import { mayActAs } from "./operator-role.ts";
import type { OperatorAnswer, OperatorRequest, OperatorRoute } from "./operator-route.ts";

export interface OperatorApiOptions {
  readonly routes: readonly OperatorRoute[];
  /** Undefined: the stack has no operator API, and nobody gets in. */
  readonly checkToken: CheckToken | undefined;
  readonly checkAddress: CheckAddress;
  readonly telemetry: Telemetry;
}

export type OperatorApi = (request: OperatorRequest) => Promise<OperatorAnswer>;

const maxBodyLength = 1_000_000;

// A route's schema is compiled when its first body comes, and kept: most processes see a few routes' or none.
const ajv = new Ajv({ allErrors: true, allowUnionTypes: true });
addFormats.default(ajv);

interface CompiledRoute extends OperatorRoute {
  readonly parts: readonly string[];
}

export function createOperatorApi(options: OperatorApiOptions): OperatorApi {
  const routes = options.routes.map((route) => ({ ...route, parts: route.path.split("/") }));
  return async (request) => {
    try {
      return await answer(request, routes, options);
    } catch (error) {
      return toRefusal(error, options.telemetry);
    }
  };
}

async function answer(
  request: OperatorRequest,
  routes: readonly CompiledRoute[],
  { checkAddress, checkToken }: OperatorApiOptions,
): Promise<OperatorAnswer> {
  checkAddress(request.clientIp);
  if (checkToken === undefined) {
    throw new OperatorError(
      "OPERATOR_NOT_CONFIGURED",
      "This stack has no operator API: the setting `operator` is missing.",
      "Set causeway:operator in the stack's settings (docs/cli.md) and deploy.",
    );
  }
  const caller = await checkToken(request.authorization);
  const found = findRoute(routes, request);
  if (found === undefined) {
    throw new OperatorError(
      "ROUTE_UNKNOWN",
      `There is no ${request.method} ${request.path}.`,
      "See docs/decisions/0003-operator-api.md for what there is.",
    );
  }
  const { route, params } = found;
  if (!mayActAs(caller, route.role)) {
    throw new OperatorError(
      "ROLE_MISSING",
      `This needs the app role ${route.role}; ${caller.name} has ${caller.roles.join(", ") || "none"}.`,
      "Ask whoever administers the app registration to assign the role.",
    );
  }
  const body = route.method === "POST" ? await readBody(request, route) : undefined;
  const result = await route.handle({ caller, params, query: request.query, body });
  return { status: route.created === true ? 201 : 200, body: result };
}

function findRoute(
  routes: readonly CompiledRoute[],
  request: OperatorRequest,
):
  { readonly route: CompiledRoute; readonly params: Readonly<Record<string, string>> } | undefined {
  const given = request.path.split("/");
  for (const route of routes) {
    if (route.method !== request.method || route.parts.length !== given.length) continue;
    const params = match(route.parts, given);
    if (params !== undefined) return { route, params };
  }
  return undefined;
}

function match(
  parts: readonly string[],
  given: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const params: Record<string, string> = {};
  for (const [index, part] of parts.entries()) {
    const value = given[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    // An empty id names nothing; passed over, the call would be another one.
    if (name !== undefined && value !== "") params[name] = value;
    else if (part !== value) return undefined;
  }
  return params;
}

async function readBody(request: OperatorRequest, route: CompiledRoute): Promise<unknown> {
  const text = await request.text();
  if (route.body === undefined) return undefined;
  if (text.length > maxBodyLength) throw invalid("the body is over a million characters long");
  const body = parse(text);
  const validate = ajv.compile(route.body);
  if (!validate(body)) {
    const problems = (validate.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath === "" ? "the body" : instancePath.slice(1)} ${message ?? "is wrong"}${nameIn(params)}`,
    );
    throw invalid(problems.join("; "));
  }
  return body;
}

/** Ajv keeps the unknown member's name beside its message. */
function nameIn(params: Readonly<Record<string, unknown>>): string {
  const name = params["additionalProperty"];
  return typeof name === "string" ? `: ${name}` : "";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalid("the body is not JSON");
  }
}

function invalid(what: string): OperatorError {
  return new OperatorError(
    "REQUEST_INVALID",
    `The request is not understood: ${what}.`,
    "Correct it; nothing was changed.",
  );
}

function toRefusal(thrown: unknown, telemetry: Telemetry): OperatorAnswer {
  const error = toOperatorError(thrown);
  if (error.status >= 500) telemetry.error(asError(thrown), { name: "operator-api" });
  const { code, message, fix } = error;
  return { status: error.status, body: { error: { code, message, fix } } };
}

function toOperatorError(thrown: unknown): OperatorError {
  if (thrown instanceof OperatorError) return thrown;
  if (thrown instanceof TableError && thrown.code === "CONTINUATION_INVALID") {
    return new OperatorError(
      "REQUEST_INVALID",
      "The continuation is none that a page before gave.",
      "Begin anew without it, with the same filters on every page.",
      thrown,
    );
  }
  if (thrown instanceof TableError && thrown.code === "UNAVAILABLE") {
    return new OperatorError(
      "LEDGER_UNAVAILABLE",
      "The storage account does not answer.",
      "Try again in a minute; look at its health in the portal when it stays.",
      thrown,
    );
  }
  // Its message may quote a document: the name is enough here, the rest is in the telemetry.
  return new OperatorError(
    "OPERATOR_FAILED",
    `Something failed here (${asError(thrown).name}).`,
    "Look into Application Insights: exceptions where customDimensions.name == 'operator-api'.",
    thrown,
  );
}
