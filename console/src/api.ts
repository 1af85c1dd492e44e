import { signOut, takeToken } from "./sign-in.ts";

/** What the API or the way to it said no with, in words for a person. */
export class ApiError extends Error {
  readonly code: string;
  readonly fix: string;

  constructor(code: string, message: string, fix: string) {
    super(message);
    this.name = "ApiError";
    this.code = code;
    this.fix = fix;
  }
}

const timeoutMs = 30_000;
const base = "/api/ops/v1";

export type Query = Readonly<Record<string, string | undefined>>;

export function get<Answer>(path: string, query: Query = {}): Promise<Answer> {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === "" ? [] : [[name, value]],
  );
  const text = new URLSearchParams(given).toString();
  return call<Answer>("GET", text === "" ? path : `${path}?${text}`, undefined);
}

export function post<Answer>(path: string, body: unknown): Promise<Answer> {
  return call<Answer>("POST", path, body);
}

async function call<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
  const token = await takeToken();
  if (token === undefined) throw signedOut();
  let response: Response;
  try {
    response = await fetch(`${base}/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
  } catch {
    throw new ApiError(
      "NO_ANSWER",
      "Causeway did not answer.",
      method === "GET"
        ? "Check the connection; the page goes on by itself when it is back."
        : "Nobody knows whether it was done. Check the connection, look at the page, and send it again if it was not; what you typed is kept.",
    );
  }
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer;
  if (response.status === 401) {
    signOut();
    throw signedOut();
  }
  throw toError(response.status, answer);
}

function signedOut(): ApiError {
  return new ApiError(
    "SIGNED_OUT",
    "Your sign-in has ended.",
    "Sign in again; what you typed is kept.",
  );
}

function toError(status: number, answer: unknown): ApiError {
  const { error } = (answer ?? {}) as {
    readonly error?: { readonly code: string; readonly message: string; readonly fix: string };
  };
  return error === undefined
    ? new ApiError(`HTTP_${status}`, `Causeway answered ${status}.`, "Try again in a minute.")
    : new ApiError(error.code, error.message, error.fix);
}
