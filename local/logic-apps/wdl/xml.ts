import {
  type Attr,
  DOMImplementation,
  DOMParser,
  type Document,
  type Element,
  type Node,
} from "@xmldom/xmldom";
import { WorkflowExpressionError } from "./expression-error.ts";
import { type WdlObject, type WdlValue, buildObject, isArray, isObject } from "./values.ts";
import { toText } from "./content.ts";

/**
 * XML the way the runtime treats it: text that is only white space is dropped, and JSON and XML are turned into
 * each other by Newtonsoft's rules (`@attribute`, `#text`, `#cdata-section`, `?xml`, repeated elements as arrays).
 */
export type XmlNode = Node;

/** xmldom cannot tell `<a></a>` from `<a/>`, which differ ("" and null): this marks the first before parsing. */
const emptyMark = "causeway-empty";
const emptyPair =
  /<!\[CDATA\[[\s\S]*?\]\]>|<!--[\s\S]*?-->|<([^\s/>!?]+)((?:\s[^<>]*)?)>(\s*)<\/\1\s*>/g;

export function parseXml(text: string): Document {
  const marked = text.replaceAll(
    emptyPair,
    (whole, name: string | undefined, attributes: string) =>
      name === undefined || attributes.endsWith("/")
        ? whole
        : `<${name}${attributes}><?${emptyMark}?></${name}>`,
  );
  try {
    const parser = new DOMParser({
      onError: (level, message) => {
        if (level !== "warning") throw new Error(message);
      },
    });
    return parser.parseFromString(marked.trim(), "text/xml");
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw new WorkflowExpressionError("ARGUMENT", `The value is not valid XML: ${problem}`, {
      cause: error,
    });
  }
}

const elementType = 1;
const attributeType = 2;
const textType = 3;
const cdataType = 4;
const instructionType = 7;
const commentType = 8;

export function isElement(node: Node): node is Element {
  return node.nodeType === elementType;
}

export function isAttribute(node: Node): node is Attr {
  return node.nodeType === attributeType;
}

function childrenOf(node: Node): readonly Node[] {
  const nodes: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) {
    const isBlank = child.nodeType === textType && (child.nodeValue ?? "").trim() === "";
    const isMark = child.nodeType === instructionType && child.nodeName === emptyMark;
    if (!isBlank && !isMark) nodes.push(child);
  }
  return nodes;
}

function attributesOf(element: Element): readonly Attr[] {
  return Array.from({ length: element.attributes.length }, (_, index) =>
    element.attributes.item(index),
  ).filter((attribute) => attribute !== null);
}

/** XML text as .NET writes it: `<a />` for an empty element, namespaces declared where they are first needed. */
export function writeXml(node: Node): string {
  if (isElement(node)) return writeElement(node, true);
  const value = node.nodeValue ?? "";
  switch (node.nodeType) {
    case textType:
      return escapeText(value);
    case cdataType:
      return `<![CDATA[${value}]]>`;
    case commentType:
      return `<!--${value}-->`;
    case instructionType:
      return `<?${node.nodeName} ${value}?>`;
    default:
      return childrenOf(node).map(writeXml).join("");
  }
}

function writeElement(element: Element, isTop: boolean): string {
  const attributes = attributesOf(element).map(
    (attribute) => ` ${attribute.name}="${escapeText(attribute.value).replaceAll('"', "&quot;")}"`,
  );
  if (isTop) attributes.push(...missingNamespaces(element));
  const children = childrenOf(element);
  const start = `<${element.tagName}${attributes.join("")}`;
  if (children.length === 0 && element.firstChild === null) return `${start} />`;
  const content = children.map((child) =>
    isElement(child) ? writeElement(child, false) : writeXml(child),
  );
  return `${start}>${content.join("")}</${element.tagName}>`;
}

/** Declarations that a node taken out of its document inherits from its ancestors. */
function missingNamespaces(element: Element): readonly string[] {
  const uri = element.namespaceURI ?? "";
  const name =
    element.prefix === null || element.prefix === "" ? "xmlns" : `xmlns:${element.prefix}`;
  return uri === "" || element.hasAttribute(name) ? [] : [` ${name}="${escapeText(uri)}"`];
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** A document as JSON. */
export function toJson(document: Document): WdlValue {
  const members: [string, WdlValue][] = [];
  for (const node of childrenOf(document)) {
    if (node.nodeType === instructionType) {
      const value = node.nodeValue ?? "";
      members.push([`?${node.nodeName}`, node.nodeName === "xml" ? readDeclaration(value) : value]);
    } else if (isElement(node)) members.push([node.tagName, elementToJson(node)]);
  }
  return buildObject(members);
}

function readDeclaration(value: string): WdlObject {
  const pairs = [...value.matchAll(/([\w.-]+)\s*=\s*["']([^"']*)["']/g)];
  return buildObject(pairs.map((pair) => [`@${pair[1] ?? ""}`, pair[2] ?? ""] as const));
}

function elementToJson(element: Element): WdlValue {
  const attributes = attributesOf(element);
  const children = childrenOf(element).filter((node) => node.nodeType !== commentType);
  if (attributes.length === 0 && children.length === 0)
    return element.firstChild === null ? null : "";
  const only = children.length === 1 ? children[0] : undefined;
  if (attributes.length === 0 && only?.nodeType === textType) return only.nodeValue ?? "";
  const grouped = new Map<string, WdlValue[]>();
  for (const attribute of attributes) grouped.set(`@${attribute.name}`, [attribute.value]);
  for (const child of children) {
    const [name, value] = childToJson(child);
    const values = grouped.get(name);
    if (values === undefined) grouped.set(name, [value]);
    else values.push(value);
  }
  return buildObject(
    [...grouped].map(
      ([name, values]) => [name, values.length === 1 ? (values[0] ?? null) : values] as const,
    ),
  );
}

function childToJson(node: Node): readonly [string, WdlValue] {
  if (isElement(node)) return [node.tagName, elementToJson(node)];
  const value = node.nodeValue ?? "";
  if (node.nodeType === cdataType) return ["#cdata-section", value];
  return [node.nodeType === instructionType ? `?${node.nodeName}` : "#text", value];
}

/** A document from JSON: the object's one member is its root. */
export function fromJson(value: WdlValue): Document {
  if (!isObject(value)) {
    throw new WorkflowExpressionError(
      "ARGUMENT",
      "Only an object with one root member can become XML.",
    );
  }
  const document = new DOMImplementation().createDocument(null, "");
  let roots = 0;
  for (const [name, member] of Object.entries(value)) {
    if (name === "?xml") {
      document.appendChild(document.createProcessingInstruction("xml", writeDeclaration(member)));
    } else {
      roots += isArray(member) ? member.length : 1;
      if (roots > 1) break;
      appendMember(document, document, name, member);
    }
  }
  if (roots === 1) return document;
  throw new WorkflowExpressionError(
    "ARGUMENT",
    "JSON root object has multiple properties or none. The root object must have a single property in order to create a valid XML document.",
  );
}

function writeDeclaration(value: WdlValue): string {
  if (!isObject(value)) return 'version="1.0"';
  return Object.entries(value)
    .map(([name, member]) => `${name.replace(/^@/, "")}="${toText(member)}"`)
    .join(" ");
}

function appendMember(document: Document, parent: Node, name: string, value: WdlValue): void {
  if (isArray(value)) {
    for (const item of value) appendMember(document, parent, name, item);
  } else if (name === "#text") parent.appendChild(document.createTextNode(xmlText(value)));
  else if (name === "#cdata-section")
    parent.appendChild(document.createCDATASection(xmlText(value)));
  else if (name.startsWith("@")) {
    if (isElement(parent)) parent.setAttribute(name.slice(1), xmlText(value));
  } else parent.appendChild(toElement(document, name, value));
}

function toElement(document: Document, name: string, value: WdlValue): Element {
  let element: Element;
  try {
    element = document.createElement(name);
  } catch (error) {
    throw new WorkflowExpressionError("ARGUMENT", `'${name}' cannot be an XML element.`, {
      cause: error,
    });
  }
  if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) appendMember(document, element, key, member);
  } else if (value !== null) element.appendChild(document.createTextNode(xmlText(value)));
  return element;
}

/** XML's own spelling of booleans, not the language's. */
function xmlText(value: WdlValue): string {
  return typeof value === "boolean" ? String(value) : toText(value);
}
