import jsonata from "jsonata";
import type { MappingField } from "../../../../schemas/types/mapping.ts";
import type { LoadedFlow, LoadedTarget } from "../../flows/load-flows.ts";
import type { FlowView, FlowsAnswer, FlowTargetView, MappingFieldView } from "./answers.ts";
import type { ReadDependencies } from "./read-dependencies.ts";
import { readTargetMode } from "./read-targets.ts";
import { sampleInvoices } from "./sample-documents.ts";

/** Every flow with its mappings as two columns: what is written, what it is made from. */
export function readFlows(on: ReadDependencies): FlowsAnswer {
  return { flows: on.flows.map((flow) => toFlowView(on, flow)) };
}

function toFlowView(on: ReadDependencies, { name, flow, targets }: LoadedFlow): FlowView {
  return {
    name,
    businessEvents: flow.businessEvents,
    canonical: flow.canonical,
    targets: Object.values(targets).map((target) => toTargetView(on, target)),
    samples: Object.keys(sampleInvoices),
  };
}

function toTargetView(on: ReadDependencies, target: LoadedTarget): FlowTargetView {
  const { definition, source } = target;
  return {
    name: target.name,
    kind: definition.kind,
    mode: readTargetMode(on, target.name),
    writes: source.target.name,
    when: definition.when ?? null,
    companies: Object.keys(definition.legalEntities ?? {}),
    mapping: source.fields.map((field) => toFieldView(field, "")),
  };
}

/** `base`: the list whose items the field's paths start from. */
function toFieldView(field: MappingField, base: string): MappingFieldView {
  const under = (path: string): string => toPath(path, base);
  const { to } = field;
  if (field.from !== undefined) {
    return { to, kind: "path", reads: [under(field.from)], detail: null, fields: [] };
  }
  if (field.expr !== undefined) {
    const reads = pathsIn(field.expr).map(under);
    return { to, kind: "expression", reads, detail: field.expr, fields: [] };
  }
  if (field.lookup !== undefined) {
    const { tables, onMissing } = field.lookup;
    const reads = tables.flatMap(({ key }) => Object.values(key)).map(under);
    const names = tables.map(({ table }) => table).join(", then ");
    const missing = { wait: "waits", leaveEmpty: "stays empty", reject: "fails" }[onMissing];
    return {
      to,
      kind: "lookup",
      reads: [...new Set(reads)],
      detail: `${names}; not found: ${missing}`,
      fields: [],
    };
  }
  if (field.each !== undefined) {
    const { from, fields } = field.each;
    const items = fields.map((each) => toFieldView(each, `${from}[]`));
    return { to, kind: "each", reads: [under(from)], detail: null, fields: items };
  }
  return { to, kind: "value", reads: [], detail: JSON.stringify(field.value ?? null), fields: [] };
}

function toPath(path: string, base: string): string {
  if (path === "$company") return "legalEntity";
  if (path.startsWith("$invoice.")) return path.slice("$invoice.".length);
  return base === "" ? path : `${base}.${path}`;
}

interface ExpressionNode {
  readonly type?: string;
  readonly steps?: readonly ExpressionNode[];
  readonly value?: unknown;
}

/** Paths that an expression names; a construct that is no plain path is looked into for those inside. */
function pathsIn(expression: string): readonly string[] {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if (Array.isArray(node)) {
      for (const each of node) visit(each);
      return;
    }
    const { type, steps } = node as ExpressionNode;
    if (type === "path" && steps?.every((step) => step.type === "name") === true) {
      found.add(steps.map(({ value }) => String(value)).join("."));
      return;
    }
    for (const each of Object.values(node)) visit(each);
  };
  visit(jsonata(expression).ast());
  return [...found];
}
