import { beforeAll, describe, expect, it } from "@jest/globals";
import { readProfile } from "./capture-stack.ts";
import { everythingOn } from "./usual-stacks.ts";
import { FUNCTION_KEY, HOST_KEY } from "./fake-cloud.ts";
import { findMissingDependencies, textsIn } from "./support/graph.ts";
import { runEngine, type EngineRun } from "./support/run-engine.ts";
import type { LanguageOptions } from "./support/run-language.ts";

const CRM_SECRET = everythingOn.crmClientSecret;
const OWNER_SECRET = everythingOn.ownerWebhooks.finance;
/** The wire's mark of a secret: `sdk/nodejs/runtime/rpc.ts`. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

function run(
  profile: string,
  { isPreview = false, loadedBy }: Pick<LanguageOptions, "loadedBy"> & { isPreview?: boolean },
): Promise<EngineRun> {
  const own = Object.entries({ functionsPackage: "package.json", ...everythingOn }).map(
    ([key, value]) => [
      `causeway:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ],
  );
  return runEngine({
    stack: profile,
    config: { ...readProfile(profile), ...(Object.fromEntries(own) as Record<string, string>) },
    secretKeys: ["causeway:crmClientSecret", "causeway:ownerWebhooks"],
    isPreview,
    loadedBy,
  });
}

/** The same with every secret taken out, as whoever may not decrypt sees it. */
function withoutSecrets(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ((value as Readonly<Record<string, unknown>>)[SIGNATURE] === SECRET) return "[secret]";
  if (Array.isArray(value)) return value.map(withoutSecrets);
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withoutSecrets(member)]),
  );
}

// One run is loaded as `pulumi up` loads it.
describe.each([
  ["dev", "bundle"],
  ["prod", "tsx"],
] as const)("the engine's view of profile %s", (profile, loadedBy) => {
  let engine: EngineRun;

  beforeAll(async () => {
    engine = await run(profile, { loadedBy });
  });

  it("is that of a program that ends well", () => {
    expect({ exitCode: engine.exitCode, last: engine.log.slice(-1) }).toMatchObject({
      exitCode: 0,
    });
    expect(engine.resources.length).toBeGreaterThan(80);
    expect(Object.keys(engine.outputs)).toEqual(expect.arrayContaining(["doors", "addresses"]));
  });

  it("has no secret in clear: not in state, not in outputs, not in what is printed", () => {
    const secrets = [
      CRM_SECRET,
      OWNER_SECRET,
      FUNCTION_KEY,
      HOST_KEY,
      "SharedAccessKey=",
      ...engine.secrets,
    ];
    const shown = [
      ...engine.resources.flatMap(({ name, wire }) =>
        textsIn(withoutSecrets(wire)).map((text) => ({ place: name, text })),
      ),
      ...textsIn(withoutSecrets(engine.outputs)).map((text) => ({ place: "outputs", text })),
      ...engine.log.map((text) => ({ place: "log", text })),
    ];
    const leaks = shown
      .filter(({ text }) => secrets.some((secret) => text.includes(secret)))
      .map(({ place }) => place);

    expect(engine.secrets.length).toBeGreaterThan(0);
    expect(leaks).toEqual([]);
  });

  it("knows of everything that a resource uses, so that nothing is made too early", () => {
    expect(findMissingDependencies(engine.resources)).toEqual([]);
  });
});

describe("a preview of a new production stack", () => {
  it("ends well, although nothing that Azure decides is known yet", async () => {
    const preview = await run("prod", { isPreview: true, loadedBy: "bundle" });

    expect({ exitCode: preview.exitCode, last: preview.log.slice(-1) }).toMatchObject({
      exitCode: 0,
    });
    expect(preview.resources.length).toBeGreaterThan(80);
  });
});

describe("wrong settings", () => {
  it("end the program before anything is made, with one message that says each mistake once", async () => {
    const refused = await runEngine({
      stack: "prod",
      config: {
        "azure-native:location": "westus",
        "causeway:environmentKind": "production",
        "causeway:serviceBusTier": "Standard",
        "causeway:nameSuffix": "longer-than-azure-takes",
        "causeway:functionsPackage": "package.json",
      },
      secretKeys: [],
      isPreview: true,
      loadedBy: "bundle",
      hasStacks: true,
    });

    expect(refused.exitCode).not.toBe(0);
    expect(refused.resources.filter(({ type }) => type !== "pulumi:pulumi:Stack")).toEqual([]);
    expect(refused.log.join("\n").split("\n")).toEqual([
      "The stack's settings are wrong; nothing was deployed.",
      ...[
        "causeway:doors is missing",
        "causeway:financeUrl is missing",
        "causeway:dataverseUrl is missing",
        "causeway:nameSuffix must be 1 to 8 lower-case letters and digits",
        "causeway:targets.email.redirectTo is missing, but targets.email.mode is redirect",
        "causeway:alerts.emails is empty, so no alert of this production stack would reach anybody",
        "causeway:serviceBusTier must be Premium when network is private: Standard has no private endpoints",
        "azure-native:location westus has no availability zones",
      ].map((mistake) => expect.stringMatching(new RegExp(`^- ${mistake}.* Fix: .+`)) as unknown),
    ]);
  });
});
