import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Running } from "../cloud.ts";

export interface Tunnel extends Running {
  readonly port: number;
  /** While away every connection through it is cut, and so is each new one. */
  setAway(isAway: boolean): void;
  /** Rises with every piece that goes through. */
  readonly activity: () => number;
}

/** A loopback port whose bytes are carried over what `open` gives: one socket per connection. */
export async function startTunnel(open: () => Socket): Promise<Tunnel> {
  const sockets = new Set<Socket>();
  let isAway = false;
  let activity = 0;
  const track = (socket: Socket): void => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", () => (activity += 1));
  };
  const server = createServer({ noDelay: true }, (near) => {
    if (isAway) {
      near.resetAndDestroy();
      return;
    }
    const far = open();
    far.setNoDelay(true);
    track(near);
    track(far);
    // Either end going away ends the other; a refused connection looks to the client like a cut one.
    near.on("error", () => far.destroy()).on("close", () => far.destroy());
    far.on("error", () => near.destroy()).on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  let closing: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    activity: () => activity,
    setAway: (away) => {
      isAway = away;
      if (away) cutAll();
    },
    close: () =>
      (closing ??= new Promise((resolve) => {
        server.close(() => resolve());
        cutAll();
      })),
  };
}
