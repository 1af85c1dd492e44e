// Tries every way out of the machine, and one that stays on it; prints what became of each.
import dgram from "node:dgram";
import { lookup } from "node:dns";
import { resolve4 } from "node:dns/promises";
import http from "node:http";
import { createServer, connect } from "node:net";
import tls from "node:tls";

const failure = (emitter) =>
  new Promise((resolve) => {
    emitter.once("error", (error) => resolve(error.message));
    emitter.once("connect", () => resolve("connected"));
  });
const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const { port } = server.address();
const outcomes = {
  loopback: await failure(connect(port, "127.0.0.1")),
  localhost: await failure(connect({ port, host: "localhost" })),
  tcp: await failure(connect(443, "192.0.2.1")),
  tls: await failure(tls.connect({ host: "vault.example", port: 443 })),
  http: await failure(http.get("http://metadata.example/latest")),
  fetch: await fetch("https://telemetry.example/v2").catch((error) => error.cause.message),
  lookup: await new Promise((resolve) =>
    lookup("names.example", (error) => resolve(error.message)),
  ),
  resolve: await resolve4("records.example").catch((error) => error.message),
  udp: await new Promise((resolve) => {
    dgram.createSocket("udp4").send("x", 8125, "192.0.2.2", (error) => resolve(error.message));
  }),
};
process.stdout.write(JSON.stringify(outcomes));
process.exit(0);
