import { createRequire } from "node:module";

interface TableServer {
  start(): Promise<void>;
  close(): Promise<void>;
  clean(): Promise<void>;
  getHttpServerAddress(): string;
}

/** Documented by Azurite for its default account; not a secret. */
const account = "devstoreaccount1";
const key =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** Azurite's table service inside this process, in memory, on a free port. */
export async function startTableService(): Promise<{
  readonly connectionString: string;
  close(): Promise<void>;
}> {
  const require = createRequire(import.meta.url);
  const { default: Server } = require("azurite/dist/src/table/TableServer.js") as {
    default: new (configuration: unknown) => TableServer;
  };
  const { default: Configuration } = require("azurite/dist/src/table/TableConfiguration.js") as {
    default: new (...settings: unknown[]) => unknown;
  };
  // host, port, keep-alive s, database file, debug log, access log, and (13th on) loose and API
  // version checks off, no https; the last one keeps everything in memory.
  const server = new Server(
    new Configuration(
      ...["127.0.0.1", 0, 5, "unused", false, false, undefined, undefined, true, true],
      ...[undefined, undefined, undefined, undefined, false, true],
    ),
  );
  await server.start();
  const endpoint = `${server.getHttpServerAddress()}/${account}`;
  return {
    connectionString: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};TableEndpoint=${endpoint};`,
    close: () => server.close(),
  };
}
