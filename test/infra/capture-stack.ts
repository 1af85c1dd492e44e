import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parse } from "yaml";
import { oncePerRun } from "../support/once-per-run.ts";
import { bundleCached } from "../../local/bundle-cached.js";
import type { RoleAssignment } from "../../local/cloud.ts";
import { connectGuardFile } from "../../local/connect-guard.ts";
import { usualStacks } from "./usual-stacks.ts";
import type {
  DeployedResource,
  ProgramOptions,
  ProgramResult,
  Properties,
} from "../../local/deploy/run-program.ts";

const root = join(import.meta.dirname, "../..");

export type CaptureOrder = Pick<ProgramOptions, "stack" | "config">;

/** What one run of the program made. */
export interface Captured extends ProgramResult {
  /** What was asked of the cloud, in order, e.g. "queue dead-letters". */
  readonly calls: readonly string[];
  readonly assignments: readonly RoleAssignment[];
}

export interface CapturedStack extends Captured {
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

/** Keys of namespace `causeway` in place of a profile's own. */
export type Overrides = Readonly<Record<string, unknown>>;

/** The real program with a profile's settings: one of the usual ones, or in a process of its own. */
export async function captureStack(
  profile: string,
  overrides: Overrides = {},
): Promise<CapturedStack> {
  const order = toOrder(profile, overrides);
  const wanted = JSON.stringify(order);
  const usual = (usualStacks[profile] ?? []).map((own) => toOrder(profile, own));
  const at = usual.findIndex((one) => JSON.stringify(one) === wanted);
  const captured = await captureOnce(at === -1 ? [order] : usual);
  return toStack(profile, captured[Math.max(at, 0)]);
}

function toOrder(profile: string, overrides: Overrides): CaptureOrder {
  const own = Object.entries({ functionsPackage: "package.json", ...overrides }).map(
    ([key, value]) => [
      `causeway:${key}`,
      typeof value === "string" ? value : JSON.stringify(value),
    ],
  );
  return {
    stack: profile,
    config: { ...readProfile(profile), ...(Object.fromEntries(own) as Record<string, string>) },
  };
}

function toStack(profile: string, captured: Captured | undefined): CapturedStack {
  if (captured === undefined) throw new Error(`${profile} was not captured.`);
  const of = (type: string): readonly DeployedResource[] =>
    captured.resources.filter((resource) => resource.type === `azure-native:${type}`);
  return {
    ...captured,
    of,
    one: (type, name) => {
      const found = of(type).find((resource) => resource.name === name);
      if (found === undefined) throw new Error(`${profile} has no ${type} ${name}`);
      return found;
    },
    settings: toSettings(of("web:WebApp")),
  };
}

function captureOnce(orders: readonly CaptureOrder[]): Promise<readonly Captured[]> {
  return oncePerRun(orders, () => capture(orders));
}

async function capture(orders: readonly CaptureOrder[]): Promise<readonly Captured[]> {
  const outDir = join(root, ".local/capture");
  await bundleCached({ entries: ["test/infra/support/capture-process.ts"], outDir });
  const child = spawn(
    process.execPath,
    // Much of a run is collecting garbage: with this room three runs take 4.5 s and not 5.4, and 400 MB, not 230.
    [
      "--min-semi-space-size=128",
      "--max-semi-space-size=128",
      "--import",
      connectGuardFile,
      join(outDir, "capture-process.js"),
    ],
    { cwd: root, stdio: ["pipe", "pipe", "pipe"] },
  );
  child.stdin.end(JSON.stringify(orders));
  const closed = once(child, "close");
  const [answer, complaint] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  if (child.exitCode !== 0) throw new Error(`the program did not run: ${complaint}`);
  return JSON.parse(answer) as readonly Captured[];
}

function toSettings(apps: readonly DeployedResource[]): Readonly<Record<string, string>> {
  const site = apps[0]?.inputs["siteConfig"] as { readonly appSettings: readonly Properties[] };
  return Object.fromEntries(
    site.appSettings.map((setting) => [String(setting["name"]), String(setting["value"])]),
  );
}
