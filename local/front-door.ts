import { getRequestListener } from "@hono/node-server";
import type { HttpBindings } from "@hono/node-server";
import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { LocalCertificate } from "./certificate-authority.ts";
import type { Running } from "./cloud.ts";

export interface FrontDoor extends Running {
  readonly port: number;
  readonly httpUrl: string;
  /** The same port over TLS; of no use when the door was started without a certificate. */
  readonly httpsUrl: string;
  /** Requests begun and answered so far: a number that rises while anything goes on. */
  readonly activity: () => number;
  readonly inFlight: () => number;
  /** As over a connection, without one: for callers in this process. Undefined: the connection was cut. */
  readonly answer: (request: Request) => Promise<Response | undefined>;
  /** The requests that `inFlight` counts, for whoever wonders what is not over. */
  readonly describeInFlight: () => readonly string[];
}

export interface FrontDoorOptions {
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** A free port when left out or 0. */
  readonly port?: number;
  /** Without it the door speaks http only. */
  readonly certificate?: LocalCertificate;
}

const loopback = "127.0.0.1";
/** First byte of a TLS handshake record; no HTTP method begins with it. */
const tlsHandshake = 0x16;
/** Longer than any client of ours keeps a connection, so that none meets a socket that just closed. */
const keepAliveMs = 75_000;
/** How long close() lets answers under way finish. */
const graceMs = 500;

/** Serves `fetch` over http and https on one loopback port, telling them apart by the first byte. */
export async function startFrontDoor(options: FrontDoorOptions): Promise<FrontDoor> {
  const inFlight = new Set<ServerResponse>();
  let activity = 0;
  const inside = new Set<Request>();
  const listener = toListener(options.fetch, inFlight, () => (activity += 1));
  const http = createHttpServer({ keepAliveTimeout: keepAliveMs, noDelay: true }, listener);
  const { certificate } = options;
  const https =
    certificate === undefined
      ? undefined
      : createHttpsServer(
          { key: certificate.key, cert: certificate.cert, keepAliveTimeout: keepAliveMs },
          listener,
        );
  const sockets = new Set<Socket>();
  const door = createTcpServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    // A client that goes away is no event for the server; its request ends by itself.
    socket.on("error", () => socket.destroy());
    handOver(socket, http, https);
  });
  const port = await listen(door, options.port ?? 0);
  let closing: Promise<void> | undefined;
  return {
    port,
    httpUrl: `http://${loopback}:${port}`,
    httpsUrl: `https://${loopback}:${port}`,
    activity: () => activity,
    inFlight: () => inFlight.size + inside.size,
    describeInFlight: () => [
      ...[...inFlight].map(describe),
      ...[...inside].map(({ method, url }) => `${method} ${url}, from within`),
    ],
    answer: async (request) => {
      activity += 1;
      inside.add(request);
      try {
        const response = await options.fetch(request);
        return response.status === cutStatus ? undefined : response;
      } finally {
        activity += 1;
        inside.delete(request);
      }
    },
    close: () => (closing ??= closeDoor(door, sockets, inFlight)),
  };
}

function describe({ req, socket, writableEnded }: ServerResponse): string {
  const client = req.socket.destroyed ? ", its caller is gone" : "";
  const answer = writableEnded ? ", answered" : "";
  const assigned = socket === null ? ", waits behind another" : "";
  return `${req.method ?? ""} ${req.headers.host ?? ""}${req.url ?? ""}${client}${answer}${assigned}`;
}

function toListener(
  fetch: FrontDoorOptions["fetch"],
  inFlight: Set<ServerResponse>,
  onActivity: () => void,
): (request: IncomingMessage, response: ServerResponse) => void {
  const answer = getRequestListener(async (request, bindings) => {
    const response = await fetch(request);
    if (response.status === cutStatus) cut((bindings as HttpBindings).incoming.socket);
    return response;
  });
  return (request, response) => {
    onActivity();
    inFlight.add(response);
    response.once("close", () => {
      onActivity();
      inFlight.delete(response);
    });
    void answer(request, response);
  };
}

/** No service answers with it, so it can stand for no answer at all. */
const cutStatus = 599;

/** What `fetch` gives to have the caller's connection cut instead of answered. */
export function answerWithoutConnection(): Response {
  return new Response(null, { status: cutStatus });
}

function cut(socket: Socket): void {
  // Below TLS there is no reset to send; the caller meets a connection that ends in mid-air all the same.
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

function handOver(socket: Socket, http: Server, https: Server | undefined): void {
  socket.once("data", (first: Buffer) => {
    socket.pause();
    socket.unshift(first);
    if (https !== undefined && first[0] === tlsHandshake) {
      // A resumed socket would lose its bytes here: the TLS layer reads below the stream and starts by itself.
      https.emit("connection", socket);
    } else {
      http.emit("connection", socket);
      socket.resume();
    }
  });
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, loopback, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Idle connections are cut at once; answers under way get a moment. */
async function closeDoor(
  door: Server,
  sockets: ReadonlySet<Socket>,
  inFlight: ReadonlySet<ServerResponse>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => door.close(() => resolve()));
  if (inFlight.size > 0) await untilFinished(inFlight);
  for (const socket of sockets) socket.destroy();
  await closed;
}

function untilFinished(inFlight: ReadonlySet<ServerResponse>): Promise<void> {
  const answers = [...inFlight].map(
    (response) => new Promise<void>((resolve) => response.once("close", resolve)),
  );
  return new Promise((resolve) => {
    const grace = setTimeout(resolve, graceMs);
    void Promise.all(answers).then(() => {
      clearTimeout(grace);
      resolve();
    });
  });
}
