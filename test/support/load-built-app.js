// Loads the built app as the worker does: `@azure/functions-core` is given, all else is in the bundle.
import Module from "node:module";
import { pathToFileURL } from "node:url";

const functions = [];
const core = {
  version: "1.0.0",
  hostVersion: "4.1037.0",
  Disposable: class {},
  setProgrammingModel: () => undefined,
  getProgrammingModel: () => undefined,
  registerFunction: ({ name, bindings }) => {
    const trigger = Object.values(bindings).find(({ type }) => type.endsWith("Trigger"));
    functions.push([name, trigger.type, trigger.cardinality].filter(Boolean).join(" "));
    return { dispose: () => undefined };
  },
  registerHook: () => ({ dispose: () => undefined }),
  log: () => undefined,
};
const load = Module._load;
Module._load = function (request, ...rest) {
  return request === "@azure/functions-core" ? core : load.call(this, request, ...rest);
};
await import(pathToFileURL(process.env.CAUSEWAY_TEST_APP).href);
const refused = globalThis[Symbol.for("causeway.connect-guard")] ?? [];
process.stdout.write(JSON.stringify({ functions, refused }));
process.exit(0);
