import type { AnySchemaObject } from "ajv";
import type { Flow, FlowTarget } from "../../../schemas/types/flow.ts";
import type { MailTexts } from "../../../schemas/types/mail-texts.ts";
import { checkExpression } from "./check-expression.ts";
import { suggestName } from "./nearest-name.ts";
import type { SchemaPlace } from "./schema-place.ts";
import type { SchemaName, SchemaSet } from "./schema-set.ts";
import { validateMapping, type FlowProblem } from "./validate-mapping.ts";

/** A flow's folder as read from disk; `undefined` stands for a file that is no JSON. */
export interface FlowFiles {
  /** The folder's name. */
  readonly name: string;
  readonly flow: unknown;
  /** By file name. */
  readonly mappings: Readonly<Record<string, unknown>>;
  /** By folder, then by language. */
  readonly texts: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The language that every other one falls back to. */
const fallbackLanguage = "en";

const placeholders = [
  "number",
  "company",
  "customerName",
  "date",
  "dueDate",
  "total",
  "currency",
  "corrects",
  "recipient",
];

/** All problems of a flow, its mappings and its mail texts; none when it may run. */
export function validateFlow(files: FlowFiles, schemas: SchemaSet): readonly FlowProblem[] {
  const file = `${files.name}/flow.json`;
  const problems: FlowProblem[] = [...shapeProblems(file, "flow/flow.v1", files.flow, schemas)];
  for (const [name, value] of Object.entries(files.mappings)) {
    problems.push(...validateMapping(`${files.name}/${name}`, value, schemas));
  }
  for (const [folder, texts] of Object.entries(files.texts)) {
    problems.push(...checkTexts(`${files.name}/${folder}`, texts, schemas));
  }
  if (problems.some((problem) => problem.file === file)) return problems;
  // The schema was just found to hold.
  const flow = files.flow as Flow;
  const report = (field: string, message: string): void => {
    problems.push({ file, field, message });
  };
  if (flow.name !== files.name) report("name", `must be the folder's name, "${files.name}"`);
  const canonical = schemas.names.find((name) => name === flow.canonical);
  if (canonical === undefined) {
    const known = schemas.names.filter((name) => name.startsWith("canonical/"));
    report(
      "canonical",
      `there is no schema "${flow.canonical}"${suggestName(flow.canonical, known)}`,
    );
    return problems;
  }
  for (const [name, target] of Object.entries(flow.targets)) {
    checkTarget(name, target, { flow, files, schemas, canonical, report });
  }
  return problems;
}

/** A schema's findings in the words of flow problems. */
function shapeProblems(
  file: string,
  name: SchemaName,
  value: unknown,
  schemas: SchemaSet,
): readonly FlowProblem[] {
  if (value === undefined) return [{ file, field: "", message: "is not there or is not JSON" }];
  return schemas.problems(name, value).map((problem) => ({
    file,
    field: problem.path,
    message:
      problem.message +
      (problem.wrong === undefined ? "" : suggestName(problem.wrong, problem.known ?? [])),
  }));
}

interface TargetCheck {
  readonly flow: Flow;
  readonly files: FlowFiles;
  readonly schemas: SchemaSet;
  readonly canonical: SchemaName;
  readonly report: (field: string, message: string) => void;
}

function checkTarget(name: string, target: FlowTarget, check: TargetCheck): void {
  const report = (field: string, message: string): void =>
    check.report(`targets.${name}.${field}`, message);
  const known = Object.keys(check.files.mappings);
  if (!known.includes(target.mapping)) {
    report("mapping", `there is no file "${target.mapping}"${suggestName(target.mapping, known)}`);
  }
  checkMappingFits(target, check, report);
  if (target.when !== undefined) {
    const event = eventPlace(check);
    for (const message of checkExpression(target.when, event, event)) report("when", message);
  }
  checkMail(name, target, check, report);
}

function checkMappingFits(
  target: FlowTarget,
  check: TargetCheck,
  report: (field: string, message: string) => void,
): void {
  // As read from disk: its own problems are reported with its own file.
  const mapping = check.files.mappings[target.mapping] as LooseMapping | null | undefined;
  const source = mapping?.source;
  if (typeof source === "string" && source !== check.flow.canonical) {
    report("mapping", `reads ${source}, and the flow makes ${check.flow.canonical}`);
  }
  const { kind, name } = mapping?.target ?? {};
  if (typeof kind === "string" && kind !== target.kind) {
    report("mapping", `is for a ${kind} target, and this is a ${target.kind} target`);
  }
  const sendsMail = typeof name === "string" && name.startsWith("invoice-email.");
  if (sendsMail && target.recipient === undefined) {
    report("recipient", "is missing: who gets the mail decides which safety rules apply");
  }
}

interface LooseMapping {
  readonly source?: unknown;
  readonly target?: { readonly kind?: unknown; readonly name?: unknown } | null;
}

function checkMail(
  name: string,
  target: FlowTarget,
  check: TargetCheck,
  report: (field: string, message: string) => void,
): void {
  const isMail = target.recipient !== undefined;
  if (isMail && target.recipient.policy === "fixed" && target.recipient.address === undefined) {
    report("recipient.address", "is missing: the policy is fixed");
  }
  if (!isMail && target.mode === "redirect") {
    report("mode", `redirect is for mail; ${name} has no recipient`);
  }
  if (isMail && target.templates === undefined) report("templates", "is missing");
  if (target.templates === undefined) return;
  const texts = check.files.texts[target.templates];
  if (texts === undefined) report("templates", `there is no folder "${target.templates}"`);
  else if (texts[fallbackLanguage] === undefined) {
    report(
      "templates",
      `${target.templates}/${fallbackLanguage}.json is missing: others fall back to it`,
    );
  }
}

function checkTexts(
  folder: string,
  texts: Readonly<Record<string, unknown>>,
  schemas: SchemaSet,
): readonly FlowProblem[] {
  const problems: FlowProblem[] = [];
  for (const [language, value] of Object.entries(texts)) {
    const file = `${folder}/${language}.json`;
    const shape = shapeProblems(file, "flow/mail-texts.v1", value, schemas);
    problems.push(...shape);
    if (shape.length > 0) continue;
    const { invoice, creditNote, prepayment, redirectNotice } = value as MailTexts;
    for (const [part, strings] of Object.entries({
      invoice,
      creditNote,
      prepayment,
      redirectNotice: { text: redirectNotice },
    })) {
      for (const [field, text] of Object.entries(strings as Record<string, string>)) {
        for (const [, used = ""] of text.matchAll(/\{([^}]*)\}/g)) {
          if (placeholders.includes(used)) continue;
          const message = `there is no placeholder "{${used}}"${suggestName(used, placeholders)}`;
          problems.push({ file, field: `${part}.${field}`, message });
        }
      }
    }
  }
  return problems;
}

/** The event's schema with its data in place, as expressions see it. */
function eventPlace(check: TargetCheck): SchemaPlace {
  const event = check.schemas.schemas["canonical/event.v1"];
  const data = check.schemas.schemas[check.canonical];
  const schema: AnySchemaObject = {
    ...event,
    $defs: data["$defs"] as unknown,
    properties: { ...(event["properties"] as object), data },
  };
  return { root: schema, schema };
}
