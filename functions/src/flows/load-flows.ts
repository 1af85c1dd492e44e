import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import jsonata from "jsonata";
import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import type { Flow, FlowTarget } from "../../../schemas/types/flow.ts";
import type { MailTexts } from "../../../schemas/types/mail-texts.ts";
import type { Mapping } from "../../../schemas/types/mapping.ts";
import { compileMapping, type CompiledMapping } from "./compile-mapping.ts";
import { FlowError } from "./flow-error.ts";
import { createSchemaSet, type SchemaSet } from "./schema-set.ts";
import { validateFlow, type FlowFiles } from "./validate-flow.ts";

/** A flow that was found right, with everything compiled. */
export interface LoadedFlow {
  readonly name: string;
  readonly flow: Flow;
  readonly targets: Readonly<Record<string, LoadedTarget>>;
}

export interface LoadedTarget {
  readonly name: string;
  readonly definition: FlowTarget;
  readonly mapping: CompiledMapping;
  /** As it is written, for showing it. */
  readonly source: Mapping;
  /** Mail only: texts by language. */
  readonly texts: Readonly<Record<string, MailTexts>>;
  /** Whether the flow wants the event there. */
  readonly wants: (event: CanonicalEvent) => Promise<boolean>;
}

/**
 * The flows in the folder's sub-folders. Throws one FLOW_INVALID that lists every problem of every
 * file, so that a wrong flow stops the build (`scripts/check-flows.ts`) and never a message.
 */
export async function loadFlows(
  directory: string,
  schemas: SchemaSet = createSchemaSet(),
): Promise<readonly LoadedFlow[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  const all = await Promise.all(names.sort().map((name) => readFlow(directory, name)));
  const problems = all.flatMap((files) => validateFlow(files, schemas));
  if (names.length === 0) {
    problems.push({ file: ".", field: "", message: "there is no flow in the folder" });
  }
  if (problems.length > 0) throw new FlowError(problems);
  const flows = all.map(toLoadedFlow);
  const doubles = findDoubleEvents(flows);
  if (doubles.length > 0) throw new FlowError(doubles);
  return flows;
}

async function readFlow(directory: string, name: string): Promise<FlowFiles> {
  const folder = join(directory, name);
  const entries = await readdir(folder, { withFileTypes: true });
  const mappings: Record<string, unknown> = {};
  const texts: Record<string, Record<string, unknown>> = {};
  for (const entry of entries) {
    if (entry.name.endsWith(".mapping.json")) {
      mappings[entry.name] = await readJson(join(folder, entry.name));
    } else if (entry.isDirectory()) {
      texts[entry.name] = await readTexts(join(folder, entry.name));
    }
  }
  return { name, flow: await readJson(join(folder, "flow.json")), mappings, texts };
}

async function readTexts(folder: string): Promise<Record<string, unknown>> {
  const texts: Record<string, unknown> = {};
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".json")) continue;
    texts[name.slice(0, -".json".length)] = await readJson(join(folder, name));
  }
  return texts;
}

/** Undefined for a file that is not there or is no JSON; the validation says so by its name. */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as unknown;
  } catch {
    return undefined;
  }
}

function toLoadedFlow(files: FlowFiles): LoadedFlow {
  const flow = files.flow as Flow;
  const targets = Object.entries(flow.targets).map(([name, definition]): [string, LoadedTarget] => [
    name,
    {
      name,
      definition,
      mapping: compileMapping(files.mappings[definition.mapping] as Mapping),
      source: files.mappings[definition.mapping] as Mapping,
      texts: (files.texts[definition.templates ?? ""] ?? {}) as Record<string, MailTexts>,
      wants: compileWhen(definition.when),
    },
  ]);
  return { name: flow.name, flow, targets: Object.fromEntries(targets) };
}

export function compileWhen(when: string | undefined): LoadedTarget["wants"] {
  if (when === undefined) return () => Promise.resolve(true);
  const expression = jsonata(when);
  return async (event) => Boolean(await expression.evaluate(event));
}

/** A business event that two flows want would get one ledger row for two sets of targets. */
function findDoubleEvents(flows: readonly LoadedFlow[]): FlowError["problems"] {
  const owner = new Map<string, string>();
  const problems: { file: string; field: string; message: string }[] = [];
  for (const { name, flow } of flows) {
    for (const id of flow.businessEvents) {
      const other = owner.get(id);
      if (other !== undefined) {
        const message = `${id} belongs to the flow ${other} already`;
        problems.push({ file: `${name}/flow.json`, field: "businessEvents", message });
      }
      owner.set(id, name);
    }
  }
  return problems;
}

/** The flow that a business event belongs to. */
export function findFlow(
  flows: readonly LoadedFlow[],
  businessEventId: string,
): LoadedFlow | undefined {
  return flows.find(({ flow }) => flow.businessEvents.includes(businessEventId));
}
