import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { parse, parseDocument } from "yaml";

const root = new URL("../../", import.meta.url);
const files = [
  ".github/workflows/deploy.yml",
  "azure-pipelines.yml",
  "azure-pipelines.pulumi.yml",
] as const;

function readText(file: string): string {
  return readFileSync(fileURLToPath(new URL(file, root)), "utf8");
}

function findAll(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].map(([, found = ""]) => found);
}

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

const manifest = JSON.parse(readText("package.json")) as Manifest;

describe.each(files)("%s", (file) => {
  const text = readText(file);

  it("is YAML without errors or warnings", () => {
    const { errors, warnings } = parseDocument(text, { merge: true });

    expect([...errors, ...warnings]).toEqual([]);
  });

  it("runs scripts that there are", () => {
    const scripts = findAll(text, /\bnpm (?:run )?(?!ci\b)([a-z:]+)/g);

    expect(scripts.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });

  it("names files that there are", () => {
    const named = [
      ...findAll(text, /(?:policyPacks:|--policy-pack) (\S+)/g),
      ...findAll(text, /template: (\S+)/g),
    ];

    expect(named.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
  });

  it("says of everything that it uses which version", () => {
    const used = [...findAll(text, /uses: (\S+)/g), ...findAll(text, /task: (\S+)/g)];
    const pulumi = [
      ...findAll(text, /pulumi-version: (\S+)/g),
      ...findAll(text, /get\.pulumi\.com \| sh(.*)$/gm).map((rest) => rest.split(" ").at(-1)),
    ];

    // A tag of somebody else's action can be moved to other code; tasks are Microsoft's own.
    expect(used.filter((each) => !/(@[0-9a-f]{40}|^[A-Z]\w+@\d+)$/.test(each))).toEqual([]);
    expect(pulumi.filter((each) => each !== manifest.dependencies["@pulumi/pulumi"])).toEqual([]);
    expect(pulumi).toHaveLength(findAll(text, /(pulumi\/actions@|get\.pulumi\.com)/g).length);
  });

  it("signs in by federation: no secret of Azure is named", () => {
    expect(text).not.toMatch(/CLIENT_SECRET|ARM_ACCESS_KEY|SUBSCRIPTION_KEY/);
  });
});

it.each([
  [files[0], /ARM_USE_OIDC: "true"/],
  [files[2], /keepAzSessionActive: true/],
])("%s signs in so that it lasts as long as a deployment", (file, way) => {
  expect(readText(file)).toMatch(way);
  expect(readText(file)).not.toMatch(/ARM_OIDC_TOKEN/);
});

it("the state is reached before Pulumi runs", () => {
  const { jobs } = parse(readText(files[0]), { merge: true }) as {
    readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
  };
  const uses = Object.values(jobs).map(({ steps }) =>
    steps.flatMap(({ uses = "" }) => /^(azure\/login|pulumi\/actions)/.exec(uses)?.[1] ?? []),
  );

  expect(uses).toEqual([[], ...Array.from({ length: 3 }, () => ["azure/login", "pulumi/actions"])]);
});

interface Step {
  readonly uses?: string;
}

describe("production", () => {
  it.each([
    [files[0], /environment: prod\b/, /push:\s+branches: \[main\]/, /prod:\s+if: .*\s+needs: dev/],
    [files[1], /environment: \$\{\{ stack \}\}/, /refs\/heads\/main/, /dependsOn: dev/],
  ])(
    "is deployed by %s from main only and after dev, into an environment that can ask people",
    (file, ...parts) => {
      for (const part of parts) expect(readText(file)).toMatch(part);
    },
  );
});
