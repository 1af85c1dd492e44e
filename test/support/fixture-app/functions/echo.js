import { app } from "@azure/functions";

const seen = [];

/** What the Service Bus functions were given, for the tests to read; POST forgets it. */
app.http("seen", {
  handler: (request) => {
    if (request.method === "POST") seen.length = 0;
    return { jsonBody: seen };
  },
});

const remember = (name) => (input, context) => {
  const bodies = Array.isArray(input) ? input : [input];
  seen.push({ name, input, metadata: context.triggerMetadata });
  if (bodies.some((body) => body.fail === true)) throw new Error("asked to fail");
};

if (process.env.ServiceBus__fullyQualifiedNamespace || process.env.ServiceBus) {
  app.serviceBusQueue("one", {
    connection: "ServiceBus",
    queueName: "%ONE_QUEUE%",
    handler: remember("one"),
  });
  app.serviceBusTopic("many", {
    connection: "ServiceBus",
    topicName: "integration-events",
    subscriptionName: "ce",
    cardinality: "many",
    handler: remember("many"),
  });
}
