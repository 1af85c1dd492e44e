import { randomUUID } from "node:crypto";

/** Entra's error numbers that the local token endpoint can answer with. */
export type AadstsCode =
  | 70008 // code or refresh token is not valid any more
  | 70003 // grant type is not supported
  | 90002 // tenant is unknown
  | 700016 // client is unknown in the tenant
  | 900144 // a parameter is missing
  | 1002012 // scope has no /.default
  | 7000215 // secret is wrong
  | 7000218; // no secret was sent

const answers: Readonly<
  Record<AadstsCode, { readonly status: 400 | 401; readonly error: string }>
> = {
  70008: { status: 400, error: "invalid_grant" },
  70003: { status: 400, error: "unsupported_grant_type" },
  90002: { status: 400, error: "invalid_request" },
  700016: { status: 400, error: "unauthorized_client" },
  900144: { status: 400, error: "invalid_request" },
  1002012: { status: 400, error: "invalid_scope" },
  7000215: { status: 401, error: "invalid_client" },
  7000218: { status: 401, error: "invalid_client" },
};

/** The token endpoint's answer to a request that it refuses, in Entra's shape. */
export function toOAuthError(code: AadstsCode, text: string, nowMs: number): Response {
  const { status, error } = answers[code];
  const timestamp = `${new Date(nowMs).toISOString().slice(0, 19).replace("T", " ")}Z`;
  const [traceId, correlationId] = [randomUUID(), randomUUID()];
  return Response.json(
    {
      error,
      error_description: `AADSTS${code}: ${text} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${code}`,
    },
    { status },
  );
}
