import { app } from "@azure/functions";
import type { HttpRequest, HttpResponseInit } from "@azure/functions";
import { getApp } from "../compose.ts";
import { toStableId } from "../platform/effect-key.ts";
import { entities } from "../platform/messages.ts";

app.http("business-events-door", {
  methods: ["POST"],
  authLevel: "function",
  route: "business-events",
  handler: takeIn,
});

/** Room for the message's headers and the door's own wrapping. */
const headroomBytes = 16 * 1024;

/** 202 once the queue has acknowledged: F&O waits 10 s and tries 3 times, 1 s apart. */
async function takeIn(request: HttpRequest): Promise<HttpResponseInit> {
  const on = await getApp();
  if (
    !/^(application|text)\/([\w.+-]+\+)?json\b/i.test(request.headers.get("content-type") ?? "")
  ) {
    return refuse(415, "WRONG_CONTENT_TYPE", "The body must be application/json.");
  }
  const door = request.query.get("door");
  if (door !== null && !/^[a-z0-9-]{1,32}$/.test(door)) {
    return refuse(400, "UNKNOWN_DOOR", "A door's name has small letters, digits and hyphens.");
  }
  const limit = on.config.maxMessageBytes - headroomBytes;
  // Said before it is read, so that an endless body is not taken into memory.
  const said = Number(request.headers.get("content-length") ?? 0);
  const text = said > limit ? "" : await request.text();
  if (said > limit || Buffer.byteLength(text, "utf8") > limit) {
    return refuse(413, "BODY_TOO_LARGE", `The body is over the limit of ${limit} bytes.`);
  }
  const parsed = on.parse(text);
  if (parsed.kind === "failure" && parsed.identity === null) {
    return refuse(400, parsed.code, parsed.reason);
  }
  // The endpoint test is acknowledged and does nothing; `causeway doctor` sees that it came.
  if (parsed.kind === "test") {
    on.telemetry.event("endpointTest", { eventId: parsed.identity.eventId, name: "door" });
    return { status: 202, jsonBody: { status: "accepted", test: true } };
  }
  const identity = parsed.kind === "failure" ? parsed.identity : parsed.event;
  const body = door === null ? text : JSON.stringify({ door, body: text });
  // The same body has the same id: a repeat within a day is dropped by the queue already.
  const messageId = toStableId("door", body);
  try {
    await on.serviceBus.sender.send(entities.businessEvents, [{ messageId, body, properties: {} }]);
  } catch (error) {
    on.telemetry.error(error instanceof Error ? error : new Error("send failed"), { name: "door" });
    return refuse(503, "QUEUE_UNAVAILABLE", "The event was not taken in; send it again.");
  }
  return { status: 202, jsonBody: { status: "accepted", eventId: identity?.eventId } };
}

function refuse(status: number, code: string, message: string): HttpResponseInit {
  return { status, jsonBody: { error: { code, message } } };
}
