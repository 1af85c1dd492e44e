import { createHttp } from "../../functions/src/platform/http.ts";
import type { Http } from "../../functions/src/platform/http.ts";
import { ApiRefusal } from "./api-refusal.ts";
import { findOperatorApi } from "./find-operator-api.ts";
import type { OperatorAddress, StackFlags } from "./find-operator-api.ts";

export type OperatorClientErrorCode = "OPERATOR_UNREACHABLE";

export interface OperatorClient {
  get<Answer>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<Answer>;
  post<Answer>(path: string, body?: unknown): Promise<Answer>;
}

/** Runs `work` with a signed-in client and closes its connections whatever happens. */
export async function withOperator(
  flags: StackFlags,
  work: (client: OperatorClient) => Promise<void>,
): Promise<void> {
  const http = createHttp();
  try {
    await work(createOperatorClient(await findOperatorApi(flags, http), http));
  } finally {
    http.close();
  }
}

/** Errors are ApiRefusal; no answer at all is an HttpError. */
export function createOperatorClient(
  { baseUrl, getToken }: OperatorAddress,
  http: Http,
): OperatorClient {
  const call = async <Answer>(
    method: "GET" | "POST",
    path: string,
    body: unknown,
  ): Promise<Answer> => {
    const response = await http({
      method,
      url: `${baseUrl}/${path}`,
      headers: {
        authorization: `Bearer ${await getToken()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = parse(response.body);
    if (response.status >= 200 && response.status < 300) return answer as Answer;
    throw toRefusal(response.status, answer);
  };
  return {
    get: (path, query = {}) => call("GET", withQuery(path, query), undefined),
    post: (path, body) => call("POST", path, body),
  };
}

function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as [string, string]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function toRefusal(status: number, answer: unknown): ApiRefusal {
  const { error } = (answer ?? {}) as {
    readonly error?: { readonly code: string; readonly message: string; readonly fix: string };
  };
  const unreachable: OperatorClientErrorCode = "OPERATOR_UNREACHABLE";
  return error === undefined
    ? new ApiRefusal(
        status,
        unreachable,
        `The operator API answered ${status} without a reason.`,
        "Check the address, the network rules of the function app and that its code is deployed.",
      )
    : new ApiRefusal(status, error.code, error.message, error.fix);
}
