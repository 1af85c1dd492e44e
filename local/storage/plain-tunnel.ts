import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Running } from "../cloud.ts";

/** A loopback port that takes plain bytes and carries them to a TLS port, for clients that speak http only. */
export async function startPlainTunnel(
  tlsPort: number,
  ca: string,
): Promise<Running & { readonly port: number }> {
  const sockets = new Set<Socket>();
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  const server = createServer({ noDelay: true }, (plain) => {
    const secure = connectTls({ host: "127.0.0.1", port: tlsPort, ca });
    secure.setNoDelay(true);
    track(plain);
    track(secure);
    // Either end going away ends the other; a refused connection looks to the client like a cut one.
    plain.on("error", () => secure.destroy()).on("close", () => secure.destroy());
    secure.on("error", () => plain.destroy()).on("close", () => plain.destroy());
    plain.pipe(secure).pipe(plain);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      (closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      })),
  };
}
