import { app } from "@azure/functions";

app.http("hello", {
  methods: ["GET", "POST"],
  authLevel: "function",
  route: "hello/{name?}",
  handler: async (request, context) => {
    const text = await request.text();
    context.log(`hello was called with ${text.length} characters`);
    return {
      status: 201,
      headers: { "x-invocation": context.invocationId },
      cookies: [{ name: "seen", value: "1", maxAge: 10, sameSite: "Strict" }],
      jsonBody: { name: request.params.name, q: request.query.get("q"), text },
    };
  },
});

app.http("open", { handler: () => undefined });

app.http("crash", {
  handler: () => {
    JSON.parse("secret body");
  },
});

app.http("environment", { handler: () => ({ jsonBody: Object.keys(process.env).sort() }) });
