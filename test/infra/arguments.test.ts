import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import ts from "typescript";

/*
 * The generated constructors drop arguments that they do not know. `tsc` refuses them where they are
 * written out, but lets them by when they come out of a spread object: here the checker looks there too.
 */
const root = join(import.meta.dirname, "../..");

interface Program {
  readonly checker: ts.TypeChecker;
  readonly sources: readonly ts.SourceFile[];
}

function loadProgram(files: readonly string[]): Program {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.json"), (file) => ts.sys.readFile(file)).config,
    ts.sys,
    root,
  );
  const host = ts.createCompilerHost(options);
  // Most of the 25 MB of declarations are comments.
  host.jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
  const program = ts.createProgram([...files], { ...options, noEmit: true }, host);
  const sources = files.flatMap((file) => program.getSourceFile(file) ?? []);
  return { checker: program.getTypeChecker(), sources };
}

interface Construction {
  readonly place: string;
  readonly given: readonly string[];
  readonly known: readonly string[];
}

/** Every `new Resource(name, args, …)` of the installed packages, with what is given and what is known. */
function findConstructions({ checker, sources }: Program): readonly Construction[] {
  const found: Construction[] = [];
  const visit = (node: ts.Node): void => {
    ts.forEachChild(node, visit);
    if (!ts.isNewExpression(node)) return;
    const signature = checker.getResolvedSignature(node);
    const declared = signature?.getParameters()[1];
    const file = signature?.getDeclaration().getSourceFile().fileName ?? "";
    const given = node.arguments?.[1];
    if (
      declared === undefined ||
      given === undefined ||
      !/@pulumi\/(azure-native|command)\//.test(file)
    )
      return;
    const names = (type: ts.Type): readonly string[] =>
      checker.getPropertiesOfType(type).map((property) => property.name);
    found.push({
      place: `${relative(root, node.getSourceFile().fileName)}: ${node.expression.getText()}`,
      given: names(checker.getTypeAtLocation(given)),
      known: names(checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(declared, node))),
    });
  };
  for (const source of sources) visit(source);
  return found;
}

describe("arguments of resources", () => {
  let constructions: readonly Construction[];

  beforeAll(() => {
    const files = readdirSync(join(root, "infra"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => join(entry.parentPath, entry.name));
    constructions = findConstructions(loadProgram(files));
  });

  it("are looked at wherever the program makes a resource", () => {
    const places = constructions.map(({ place }) => place);

    expect(places).toEqual(
      expect.arrayContaining([
        "infra/components/messaging.ts: Queue",
        "infra/components/function-app.ts: WebApp",
        "infra/components/function-app.ts: Command",
      ]),
    );
  });

  it("are known to the resource, also those out of a spread object", () => {
    const unknown = constructions.flatMap(({ place, given, known }) =>
      given.filter((name) => !known.includes(name)).map((name) => `${place} has no ${name}`),
    );

    expect(unknown).toEqual([]);
  });
});
