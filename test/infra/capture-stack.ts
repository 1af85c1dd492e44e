import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { createStack } from "../../infra/program.ts";
import { createLocalAzure } from "../../local/deploy/local-azure.ts";
import {
  runProgram,
  type DeployedResource,
  type ProgramResult,
  type Properties,
} from "../../local/deploy/run-program.ts";
import { createFakeCloud, type FakeCloud } from "./fake-cloud.ts";

const root = join(import.meta.dirname, "../..");

export interface CapturedStack extends ProgramResult {
  readonly cloud: FakeCloud;
  of(type: string): readonly DeployedResource[];
  one(type: string, name: string): DeployedResource;
  /** The function app's settings by name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Settings of a profile as Pulumi hands them to the program: objects as JSON. */
export function readProfile(profile: string): Record<string, string> {
  const file = parse(readFileSync(join(root, `Pulumi.${profile}.yaml`), "utf8")) as {
    readonly config: Readonly<Record<string, unknown>>;
  };
  return Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [
      key,
      typeof value === "string" ? value : JSON.stringify(value),
    ]),
  );
}

/** Runs the real program with a profile's settings; `overrides` are keys of namespace `causeway`. */
export async function captureStack(
  profile: string,
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<CapturedStack> {
  const cloud = createFakeCloud();
  const own = Object.entries({ functionsPackage: "package.json", ...overrides }).map(
    ([key, value]) => [
      `causeway:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ],
  );
  const result = await runProgram({
    ...createLocalAzure(cloud),
    program: createStack,
    stack: profile,
    config: { ...readProfile(profile), ...(Object.fromEntries(own) as Record<string, string>) },
    secretKeys: ["causeway:crmClientSecret", "causeway:ownerWebhooks"],
  });
  const of = (type: string): readonly DeployedResource[] =>
    result.resources.filter((resource) => resource.type === `azure-native:${type}`);
  return {
    ...result,
    cloud,
    of,
    one: (type, name) => {
      const found = of(type).find((resource) => resource.name === name);
      if (found === undefined) throw new Error(`${profile} has no ${type} ${name}`);
      return found;
    },
    settings: toSettings(of("web:WebApp")),
  };
}

/** Every target on, as a team runs it after a while. */
export const everythingOn = {
  targets: {
    ce: { mode: "live" },
    crm: { mode: "live" },
    email: { mode: "redirect", redirectTo: "test@contoso.example" },
  },
  crm: {
    baseUrl: "https://contoso.my.salesforce.com",
    tokenUrl: "https://contoso.my.salesforce.com/services/oauth2/token",
    clientId: "causeway",
  },
  crmClientSecret: "very-secret-crm-value",
  ownerWebhooks: { finance: "https://hooks.example/very-secret-hook" },
  ownerEmails: { masterData: ["data@contoso.example"], finance: [] },
  logicAppOutboundAddresses: ["203.0.113.0/24"],
};

function toSettings(apps: readonly DeployedResource[]): Readonly<Record<string, string>> {
  const site = apps[0]?.inputs["siteConfig"] as { readonly appSettings: readonly Properties[] };
  return Object.fromEntries(
    site.appSettings.map((setting) => [String(setting["name"]), String(setting["value"])]),
  );
}
