import { app } from "@azure/functions";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { getApp } from "../compose.ts";

// `anonymous` is the host's key check only: the API checks Entra tokens itself and denies by default.
app.http("operator-api", {
  methods: ["GET", "POST"],
  authLevel: "anonymous",
  route: "ops/v1/{*path}",
  handler: operate,
});

async function operate(request: HttpRequest): Promise<HttpResponseInit> {
  const { operate: answerTo } = await getApp();
  const { status, body } = await answerTo({
    method: request.method,
    path: request.params["path"] ?? "",
    query: request.query,
    authorization: request.headers.get("authorization"),
    clientIp: request.headers.get("client-ip"),
    text: () => request.text(),
  });
  return { status, jsonBody: body, headers: { "cache-control": "no-store" } };
}
