// Loaded before Azurite: counts requests by the port they came in at, and tells when asked.
import { subscribe } from "node:diagnostics_channel";

const counts = new Map();

subscribe("http.server.request.start", ({ socket }) => {
  const port = socket.localPort;
  counts.set(port, (counts.get(port) ?? 0) + 1);
});

process.on("message", (message) => {
  if (message?.countRequests === true) process.send?.({ counts: Object.fromEntries(counts) });
});
