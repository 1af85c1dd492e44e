/*
 * A connection that lasts: open → cut → open, over and over, until it is closed. The client mends a cut connection by
 * itself, but each request that was under way holds a lock of its own for a minute, and when connections are cut while
 * it mends, it may wait for ever (@azure/service-bus 7.9.5, core-amqp 4.4.2). The genuine host's client comes back
 * within a second. So a client that was cut is left, and a new one takes its place: at once when it had been open,
 * else after a pause, since nobody listens at the other end.
 */
import type { ServiceBusClient } from "@azure/service-bus";
import type { Running } from "../cloud.ts";

export interface LastingOptions {
  readonly open: () => ServiceBusClient;
  /** Takes over: whatever was received over the client before is settled over this one. */
  readonly attach: (client: ServiceBusClient) => void;
  readonly log: (line: string) => void;
}

/** As the genuine host's first pause. */
const pauseMs = 800;

export function keepConnected({ open, attach, log }: LastingOptions): Running {
  let isClosing = false;
  let pause: NodeJS.Timeout | undefined;
  let client = open();
  const begin = (): void => {
    const mine = client;
    let wasOpen = false;
    const connection = connectionOf(mine);
    connection.once("connection_open", () => (wasOpen = true));
    connection.once("disconnected", () => {
      if (isClosing) return;
      log(`Service Bus: the connection was ${wasOpen ? "cut" : "not made"}, opening another`);
      // What it still waits for may hang; nobody waits for it.
      mine.close().catch(() => undefined);
      if (wasOpen) renew();
      else pause = setTimeout(renew, pauseMs);
    });
    attach(mine);
  };
  const renew = (): void => {
    if (isClosing) return;
    client = open();
    begin();
  };
  begin();
  return {
    close: async () => {
      isClosing = true;
      clearTimeout(pause);
      await client.close();
    },
  };
}

interface Connection {
  once(event: "connection_open" | "disconnected", listener: () => void): void;
}

/** Of the client's own (7.9.5, pinned): its public face tells of a cut connection only by what fails. */
function connectionOf(client: ServiceBusClient): Connection {
  const inside = client as unknown as {
    readonly _connectionContext: { readonly connection: Connection };
  };
  return inside._connectionContext.connection;
}
