import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import ts from "typescript";

/*
 * The generated constructors drop arguments that they do not know. `tsc` refuses them where they are
 * written out, but lets them by when they come out of a spread object: here the checker looks there too.
 */
const root = join(import.meta.dirname, "../..");

/**
 * Declarations that are taken as empty: 18 of 26 MB are Azure's nested types, another 3 belong to packages that say
 * nothing of a resource's own arguments. What would need them is of type `any`, which is refused below.
 */
const leftOut = /\/azure-native\/types\/|\/node_modules\/(?!@pulumi\/|typescript\/)/;

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
  // Most of the declarations are comments.
  host.jsDocParsingMode = ts.JSDocParsingMode.ParseNone;
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (file, language) =>
    leftOut.test(file) ? ts.createSourceFile(file, "export {};", language) : read(file, language);
  const program = ts.createProgram([...files], { ...options, types: [], noEmit: true }, host);
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
    const file = signature?.declaration?.getSourceFile().fileName ?? "";
    const given = node.arguments?.[1];
    if (
      declared === undefined ||
      given === undefined ||
      !/@pulumi\/(azure-native|command)\//.test(file)
    )
      return;
    const place = `${relative(root, node.getSourceFile().fileName)}: ${node.expression.getText()}`;
    const names = (type: ts.Type): readonly string[] => {
      if (type.flags & ts.TypeFlags.Any) throw new Error(`${place} takes what has no type.`);
      return checker.getPropertiesOfType(type).map((property) => property.name);
    };
    found.push({
      place,
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
