import { expect, it } from "@jest/globals";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import rhea, { type EventContext } from "rhea";
import { forgetCutFrames } from "../../../local/service-bus/forget-cut-frames.ts";
import { createConnection, createContainer } from "../../../local/service-bus/rhea-hooks.ts";

const saslHeader = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0]);
/** A frame of 40 bytes, of which this is all that comes. */
const beginningOfFrame = Buffer.from([0, 0, 0, 40, 2, 1]);

it("a client whose connection is cut in the middle of a frame opens the next one", async () => {
  forgetCutFrames();
  const container = createContainer();
  container.on("disconnected", () => undefined);
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    if (connections > 1) {
      createConnection(container).accept(socket);
      return;
    }
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(Buffer.concat([saslHeader, beginningOfFrame]), () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = rhea.create_container({ id: "client" });
  client.on("disconnected", () => undefined);
  const opened = once(client, "connection_open");
  client.connect({
    ...{ transport: "tcp", host: "127.0.0.1", port: (server.address() as AddressInfo).port },
    ...{ username: "anonymous", initial_reconnect_delay: 1 },
  });
  const [context] = (await opened) as [EventContext];
  expect(connections).toBe(2);
  context.connection.close();
  await once(client, "connection_close");
  server.close();
});
