import { app } from "@azure/functions";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { getApp } from "../compose.ts";

// `anonymous` is the host's key check only: the page holds nothing; what it shows comes from the operator API.
app.http("console", {
  methods: ["GET"],
  authLevel: "anonymous",
  route: "console/{*path}",
  handler: serve,
});

async function serve(request: HttpRequest): Promise<HttpResponseInit> {
  const { consoleFiles } = await getApp();
  const acceptsGzip = /\bgzip\b/.test(request.headers.get("accept-encoding") ?? "");
  const clientIp = request.headers.get("client-ip");
  return consoleFiles.get(request.params["path"] ?? "", { acceptsGzip, clientIp });
}
