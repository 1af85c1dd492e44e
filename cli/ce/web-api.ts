import { CausewayError } from "../../functions/src/platform/causeway-error.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import type { Http, HttpResponse } from "../../functions/src/platform/http.ts";
import { readRetryAfter } from "../../functions/src/platform/read-retry-after.ts";
import type { GetToken } from "../../functions/src/platform/token.ts";

export type CeErrorCode = "CE_REFUSED" | "CE_NOT_ALLOWED" | "CE_KEY_FAILED" | "CE_KEY_NOT_ACTIVE";

/** The few Web API calls that the installation needs, with errors that say what to do. */
export interface WebApi {
  /** The parsed body; undefined when the row or the definition does not exist. */
  get(path: string): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The new row's id from OData-EntityId, or "" when the answer names none. */
  post(path: string, body: unknown): Promise<string>;
}

export interface WebApiOptions {
  readonly http: Http;
  readonly getToken: GetToken;
  readonly clock: Clock;
  /** `https://org.crm4.dynamics.com`, without a trailing slash. */
  readonly baseUrl: string;
  /** New components are added to this unmanaged solution. */
  readonly solution?: string;
}

/** Publishing and key creation answer only when CE has finished the work. */
const timeoutMs = 120_000;
/** Of one call: CE's limits are those of five minutes. */
const mostPauses = 10;
const defaultPauseMs = 30_000;
const longestPauseMs = 300_000;

export function createWebApi(options: WebApiOptions): WebApi {
  const once = async (method: string, path: string, body?: unknown): Promise<HttpResponse> =>
    options.http({
      method,
      url: `${options.baseUrl}/api/data/v9.2/${path}`,
      timeoutMs,
      headers: {
        authorization: `Bearer ${await options.getToken(options.baseUrl)}`,
        accept: "application/json",
        "odata-version": "4.0",
        "odata-maxversion": "4.0",
        ...(method === "GET" ? { "if-none-match": "null" } : {}),
        ...(body === undefined ? {} : { "content-type": "application/json; charset=utf-8" }),
        ...(options.solution === undefined || method === "GET"
          ? {}
          : { "mscrm.solutionuniquename": options.solution }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  /** Others may have used up CE's limits: it says when to come again, and has done nothing of what was asked. */
  const call: typeof once = async (method, path, body) => {
    for (let pauses = 0; ; pauses += 1) {
      const response = await once(method, path, body);
      if (response.status !== 429 || pauses === mostPauses) return response;
      const afterMs = readRetryAfter(response, options.clock.now()) ?? defaultPauseMs;
      await options.clock.sleep(Math.min(afterMs, longestPauseMs));
    }
  };
  return {
    get: async (path) => {
      const response = await call("GET", path);
      if (response.status === 404) return undefined;
      if (response.status !== 200) throw refusal("GET", path, response);
      return JSON.parse(response.body) as Record<string, unknown>;
    },
    post: async (path, body) => {
      const response = await call("POST", path, body);
      if (response.status >= 300) throw refusal("POST", path, response);
      return /\(([0-9a-f-]{36})\)/i.exec(response.headers.get("odata-entityid") ?? "")?.[1] ?? "";
    },
  };
}

function refusal(method: string, path: string, response: HttpResponse): CausewayError<CeErrorCode> {
  const { code, message } = errorOf(response.body);
  const what = `${method} ${path.split("?")[0] ?? path}`;
  const isRights = response.status === 401 || response.status === 403;
  return new CausewayError<CeErrorCode>(
    isRights ? "CE_NOT_ALLOWED" : "CE_REFUSED",
    isRights
      ? `CE refused ${what} (${response.status} ${code}): ${message} The signed-in application user needs the System Customizer role while it installs.`
      : `CE refused ${what} (${response.status} ${code}): ${message}`,
    { fate: "permanent", ids: { status: response.status, code } },
  );
}

function errorOf(body: string): { readonly code: string; readonly message: string } {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: string; message?: string } };
    return { code: error?.code ?? "", message: error?.message ?? "" };
  } catch {
    return { code: "", message: body.slice(0, 200) };
  }
}
