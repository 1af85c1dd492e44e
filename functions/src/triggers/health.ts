import { app } from "@azure/functions";
import type { HttpResponseInit } from "@azure/functions";
import { getApp } from "../compose.ts";
import { toUnstartedHealth } from "../operator/read-health.ts";
import type { Health } from "../operator/read-health.ts";

// Anonymous, for tests from outside: it says ok or not, and codes.
app.http("health", {
  methods: ["GET"],
  authLevel: "anonymous",
  route: "health",
  handler: async () => {
    const started = await getApp().then(
      (on) => on.health(),
      (error: unknown) => toUnstartedHealth(error),
    );
    return toResponse(started);
  },
});

function toResponse(health: Health): HttpResponseInit {
  return {
    status: health.status === "notOk" ? 503 : 200,
    jsonBody: health,
    headers: { "cache-control": "no-store" },
  };
}
