import { createRequire } from "node:module";
import { readContent, toContent, toText } from "../content.ts";
import type { FunctionTable } from "../context.ts";
import { argumentError } from "../expression-error.ts";
import { type WdlValue, toFloat } from "../values.ts";
import { type XmlNode, isAttribute, isElement, parseXml, writeXml } from "../xml.ts";
import { argument, stringArgument } from "./arguments.ts";

interface XPathModule {
  readonly select: (
    expression: string,
    node: XmlNode,
  ) => readonly XmlNode[] | string | number | boolean;
}

// A typed import would pull the DOM's global types into the whole project.
const require = createRequire(import.meta.url);
const xpath = require("xpath") as XPathModule;

/** https://learn.microsoft.com/azure/logic-apps/expression-functions-reference#xpath */
export const xpathFunctions: FunctionTable = {
  xpath: { min: 2, max: 2, call: (args) => select(args) },
};

function select(args: readonly WdlValue[]): WdlValue {
  const source = argument(args, 0);
  if (typeof source !== "string" && readContent(source) === undefined) {
    throw argumentError("xpath", "expects its first parameter to be XML content.");
  }
  const text = readContent(source)?.bytes.toString("utf8") ?? toText(source);
  const expression = stringArgument("xpath", args, 1);
  let found;
  try {
    found = xpath.select(expression, parseXml(text));
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw argumentError("xpath", `cannot evaluate '${expression}': ${problem}`);
  }
  if (typeof found === "number") return toFloat(found);
  if (typeof found !== "object") return found;
  return found.map(toValue);
}

/** Elements come back as content, everything else as its text. */
function toValue(node: XmlNode): WdlValue {
  if (isElement(node)) return toContent("application/xml;charset=utf-8", writeXml(node));
  return isAttribute(node) ? node.value : (node.nodeValue ?? "");
}
