import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";

export interface SniffingServerOptions {
  readonly port: number;
  readonly certificate: { readonly key: string; readonly cert: string } | undefined;
  readonly onAmqp: (socket: Socket | TLSSocket) => void;
  readonly log: (line: string) => void;
}

export interface SniffingServer {
  readonly port: number;
  /** Cuts every connection without a word, as a network failure does. How many there were. */
  dropConnections(): number;
  /** While away every connection is cut, and so is each new one. How many were cut at once. */
  setAway(isAway: boolean): number;
  close(): Promise<void>;
}

const tlsHandshake = 0x16;
const amqpHeader = 0x41;

/** One port for AMQP and AMQPS: each socket's first byte says which it is. */
export async function startSniffingServer(options: SniffingServerOptions): Promise<SniffingServer> {
  const sockets = new Set<Socket>();
  const tls =
    options.certificate === undefined
      ? undefined
      : createTlsServer({ ...options.certificate, minVersion: "TLSv1.2" }, options.onAmqp);
  tls?.on("tlsClientError", (error) => options.log(`service bus: TLS failed: ${error.message}`));
  let isAway = false;
  const server = createServer((socket) => {
    if (isAway) {
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A reset before the first byte has no other listener.
    socket.on("error", () => socket.destroy());
    socket.once("data", (first) => {
      socket.pause();
      socket.unshift(first);
      route(socket, first[0], tls, options);
    });
  });
  await listen(server, options.port);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  const dropConnections = (): number => {
    // One that has been cut stays in the set for a moment.
    const open = [...sockets].filter(({ destroyed }) => !destroyed);
    for (const socket of open) socket.resetAndDestroy();
    return open.length;
  };
  const setAway = (away: boolean): number => {
    isAway = away;
    return away ? dropConnections() : 0;
  };
  return { port, dropConnections, setAway, close: () => close(server, sockets) };
}

function route(
  socket: Socket,
  firstByte: number | undefined,
  tls: Server | undefined,
  options: SniffingServerOptions,
): void {
  if (firstByte === amqpHeader) {
    options.onAmqp(socket);
    socket.resume();
  } else if (firstByte === tlsHandshake && tls !== undefined) {
    // Not resumed: the TLS layer reads by itself and hangs on a flowing socket.
    tls.emit("connection", socket);
  } else socket.destroy();
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function close(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of sockets) socket.destroy();
  });
}
