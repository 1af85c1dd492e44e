import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type ValidateFunction } from "ajv";
import ts from "typescript";

/*
 * JSON Schemas of Pulumi resource types, made from the declarations of the installed packages: what
 * `tsc` knows of a literal, for values that were put together at run time. Lists of allowed words are
 * read strictly, also where the declaration adds `string` for words that Azure may bring later.
 */

type Schema = Readonly<Record<string, unknown>>;

interface Package {
  readonly folder: string;
  /** Where nested types are declared; the package of commands has none. */
  readonly inputs: string;
  readonly enums: string;
}

const modules = join(import.meta.dirname, "../../../node_modules/@pulumi");
const packages: Readonly<Record<string, Package>> = {
  "azure-native": {
    folder: join(modules, "azure-native"),
    inputs: "types/input.d.ts",
    enums: "types/enums",
  },
  command: { folder: join(modules, "command"), inputs: "types/input.d.ts", enums: "types/enums" },
};

const ajv = new Ajv({ allErrors: true, strict: false });
const compiled = new Map<string, ValidateFunction>();
const texts = new Map<string, string>();
/** Texts of namespaces by file and name. */
const spaces = new Map<string, string>();
const sources = new Map<string, ts.SourceFile>();

/** What is wrong with a resource's inputs, one line each; empty when Azure's types take them. */
export function findTypeMistakes(type: string, inputs: object): readonly string[] {
  const validate = compiled.get(type) ?? ajv.compile(toResourceSchema(type));
  compiled.set(type, validate);
  if (validate(inputs)) return [];
  return (validate.errors ?? [])
    .filter(({ keyword }) => keyword !== "anyOf")
    .map(({ instancePath, message, params }) =>
      `${instancePath === "" ? "/" : instancePath} ${message ?? "is wrong"} ${JSON.stringify(params)}`.trim(),
    );
}

/** The schema of one resource type, e.g. `azure-native:servicebus:Queue`. */
export function toResourceSchema(type: string): Schema {
  const [packageName = "", module = "", name = ""] = type.split(":");
  const from = packages[packageName];
  if (from === undefined) throw new Error(`There are no types for ${type}.`);
  const file = join(from.folder, module, `${name.charAt(0).toLowerCase()}${name.slice(1)}.d.ts`);
  const args = findInterface(parse(file), `${name}Args`);
  if (args === undefined) throw new Error(`${file} declares no ${name}Args.`);
  const definitions: Record<string, Schema> = {};
  const schema = toObjectSchema(args, { from, definitions });
  return { ...schema, definitions };
}

interface Place {
  readonly from: Package;
  /** Nested types met so far; one that is being written holds an empty schema. */
  readonly definitions: Record<string, Schema>;
}

function toObjectSchema(node: ts.InterfaceDeclaration | ts.TypeLiteralNode, place: Place): Schema {
  const members = node.members.filter(ts.isPropertySignature);
  const index = node.members.find(ts.isIndexSignatureDeclaration);
  return {
    type: "object",
    properties: Object.fromEntries(
      members.map((member) => [nameOf(member), toSchema(member.type, place)]),
    ),
    required: members
      .filter(({ questionToken }) => questionToken === undefined)
      .map((member) => nameOf(member)),
    additionalProperties: index === undefined ? false : toSchema(index.type, place),
  };
}

function nameOf(member: ts.PropertySignature): string {
  return ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();
}

function toSchema(node: ts.TypeNode | undefined, place: Place): Schema {
  if (node === undefined) return {};
  switch (node.kind) {
    case ts.SyntaxKind.StringKeyword:
      return { type: "string" };
    case ts.SyntaxKind.NumberKeyword:
      return { type: "number" };
    case ts.SyntaxKind.BooleanKeyword:
      return { type: "boolean" };
    case ts.SyntaxKind.AnyKeyword:
      return {};
    default:
      return toCompoundSchema(node, place);
  }
}

function toCompoundSchema(node: ts.TypeNode, place: Place): Schema {
  if (ts.isArrayTypeNode(node)) return { type: "array", items: toSchema(node.elementType, place) };
  if (ts.isParenthesizedTypeNode(node)) return toSchema(node.type, place);
  if (ts.isTypeLiteralNode(node)) return toObjectSchema(node, place);
  if (ts.isUnionTypeNode(node)) return toUnionSchema(node, place);
  if (ts.isLiteralTypeNode(node) && ts.isStringLiteral(node.literal)) {
    return { const: node.literal.text };
  }
  if (ts.isTypeReferenceNode(node)) return toReferenceSchema(node, place);
  throw new Error(`The type ${node.getText()} has no schema.`);
}

function toUnionSchema(node: ts.UnionTypeNode, place: Place): Schema {
  const members = node.types.filter(({ kind }) => kind !== ts.SyntaxKind.UndefinedKeyword);
  const words = members.filter((member) => member.getText().startsWith("enums."));
  const wanted =
    words.length > 0 ? members.filter(({ kind }) => kind !== ts.SyntaxKind.StringKeyword) : members;
  const schemas = wanted.map((member) => toSchema(member, place));
  return schemas.length === 1 ? (schemas[0] ?? {}) : { anyOf: schemas };
}

/** `pulumi.Input<T>` is T; `inputs.area.TArgs` and `enums.area.T` are declared in files of their own. */
function toReferenceSchema(node: ts.TypeReferenceNode, place: Place): Schema {
  const name = node.typeName.getText();
  const [argument] = node.typeArguments ?? [];
  if (name === "pulumi.Input") return toSchema(argument, place);
  const [space, ...path] = name.split(".");
  if (space === "inputs") return toNested(name, path, place);
  if (space === "enums") return { enum: readEnum(path, place.from) };
  throw new Error(`The type ${name} has no schema.`);
}

function toNested(name: string, path: readonly string[], place: Place): Schema {
  const reference = { $ref: `#/definitions/${name}` };
  if (name in place.definitions) return reference;
  place.definitions[name] = {};
  const declared = findNested(join(place.from.folder, place.from.inputs), path);
  place.definitions[name] = toObjectSchema(declared, place);
  return reference;
}

/**
 * Only the one interface is parsed: the file has 8 MB and some ten thousand of them. It is generated, so that a
 * namespace ends at the margin, and an interface in it four blanks in.
 */
function findNested(file: string, path: readonly string[]): ts.InterfaceDeclaration {
  const [area = ""] = path;
  const [name = ""] = path.slice(-1);
  const key = `${file} ${area}`;
  const space = spaces.get(key) ?? cut(read(file), `\nexport declare namespace ${area} {`, "\n}");
  if (space !== undefined) spaces.set(key, space);
  const declared = space && cut(space, `\n    interface ${name} {`, "\n    }");
  const found = declared && findInterface(toSource(file, declared), name);
  if (!found) throw new Error(`The type ${path.join(".")} is declared nowhere.`);
  return found;
}

/** From the first `start` up to and with the next `end`. */
function cut(text: string, start: string, end: string): string | undefined {
  const from = text.indexOf(start);
  if (from === -1) return undefined;
  const to = text.indexOf(end, from);
  return to === -1 ? undefined : text.slice(from, to + end.length);
}

/**
 * Two of Azure's APIs name a list `ConditionOperator`, and the package keeps the words of the one that the
 * program does not use. These are the rules': https://learn.microsoft.com/rest/api/monitor/scheduled-query-rules/create-or-update
 */
const overwrittenWords: Readonly<Record<string, readonly string[]>> = {
  "monitor.ConditionOperator": [
    "Equals",
    "GreaterThan",
    "GreaterThanOrEqual",
    "LessThan",
    "LessThanOrEqual",
  ],
};

/** Words of `export declare const Name: { readonly A: "a"; … }`. */
function readEnum([area = "", name = ""]: readonly string[], from: Package): readonly string[] {
  const overwritten = overwrittenWords[`${area}.${name}`];
  if (overwritten !== undefined) return overwritten;
  const source = parse(join(from.folder, from.enums, area, "index.d.ts"));
  for (const statement of source.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const declared = statement.declarationList.declarations.find(
      (each) => each.name.getText() === name,
    );
    if (declared?.type === undefined || !ts.isTypeLiteralNode(declared.type)) continue;
    return declared.type.members
      .filter(ts.isPropertySignature)
      .map(
        (member) => (member.type === undefined ? "" : JSON.parse(member.type.getText())) as string,
      );
  }
  throw new Error(`The words ${area}.${name} are declared nowhere.`);
}

function findInterface(source: ts.SourceFile, name: string): ts.InterfaceDeclaration | undefined {
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .find((declared) => declared.name.text === name);
}

function parse(file: string): ts.SourceFile {
  const source = sources.get(file) ?? toSource(file, read(file));
  sources.set(file, source);
  return source;
}

function read(file: string): string {
  const known = texts.get(file);
  if (known !== undefined) return known;
  if (!existsSync(file)) throw new Error(`There is no ${file}.`);
  const text = readFileSync(file, "utf8");
  texts.set(file, text);
  return text;
}

function toSource(file: string, text: string): ts.SourceFile {
  return ts.createSourceFile(
    file,
    text,
    { languageVersion: ts.ScriptTarget.ES2023, jsDocParsingMode: ts.JSDocParsingMode.ParseNone },
    true,
  );
}
