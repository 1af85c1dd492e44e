import { app } from "@azure/functions";

app.storageQueue("copy", { queueName: "q", connection: "Storage", handler: () => undefined });
