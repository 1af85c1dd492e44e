import type { FunctionTable } from "../context.ts";
import { argumentError } from "../expression-error.ts";
import type { WdlValue } from "../values.ts";
import { stringArgument } from "./arguments.ts";

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#uri-parsing-functions */
export const uriFunctions: FunctionTable = {
  uriHost: { min: 1, max: 1, call: (args) => parseUri("uriHost", args).hostname },
  uriPath: { min: 1, max: 1, call: (args) => parseUri("uriPath", args).pathname },
  uriPathAndQuery: {
    min: 1,
    max: 1,
    call: (args) => {
      const uri = parseUri("uriPathAndQuery", args);
      return `${uri.pathname}${uri.search}`;
    },
  },
  uriPort: { min: 1, max: 1, call: (args) => portOf(parseUri("uriPort", args)) },
  uriQuery: { min: 1, max: 1, call: (args) => parseUri("uriQuery", args).search },
  uriScheme: { min: 1, max: 1, call: (args) => parseUri("uriScheme", args).protocol.slice(0, -1) },
};

function parseUri(name: string, args: readonly WdlValue[]): URL {
  const text = stringArgument(name, args, 0);
  if (!URL.canParse(text)) {
    throw argumentError(name, `was invoked with '${text}', which is not an absolute URI.`);
  }
  return new URL(text);
}

/** URL drops a scheme's own port; .NET answers it. */
function portOf(uri: URL): number {
  if (uri.port !== "") return Number(uri.port);
  const known: Record<string, number> = {
    "http:": 80,
    "https:": 443,
    "ftp:": 21,
    "ws:": 80,
    "wss:": 443,
  };
  return known[uri.protocol] ?? -1;
}
