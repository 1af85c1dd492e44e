import { Ajv2020 } from "ajv/dist/2020.js";
import type { AnySchemaObject, ErrorObject } from "ajv";
import addFormats from "ajv-formats";
import envelope from "../../../schemas/business-event/envelope.v1/schema.json" with { type: "json" };
import freeTextInvoicePosted from "../../../schemas/business-event/free-text-invoice-posted.v1/schema.json" with { type: "json" };
import invoicePosted from "../../../schemas/business-event/invoice-posted.v1/schema.json" with { type: "json" };
import salesInvoicePosted from "../../../schemas/business-event/sales-invoice-posted.v1/schema.json" with { type: "json" };
import canonicalEvent from "../../../schemas/canonical/event.v1/schema.json" with { type: "json" };
import canonicalInvoice from "../../../schemas/canonical/invoice-posted.v1/schema.json" with { type: "json" };
import flow from "../../../schemas/flow/flow.v1/schema.json" with { type: "json" };
import mailTexts from "../../../schemas/flow/mail-texts.v1/schema.json" with { type: "json" };
import targetSettings from "../../../schemas/flow/target-settings.v1/schema.json" with { type: "json" };
import mapping from "../../../schemas/mapping/mapping.v1/schema.json" with { type: "json" };
import dataverseTables from "../../../schemas/targets/dataverse/tables.v1.json" with { type: "json" };
import invoiceEmail from "../../../schemas/targets/workflow/invoice-email.v1/schema.json" with { type: "json" };
import invoiceToCrm from "../../../schemas/targets/workflow/invoice-to-crm.v1/schema.json" with { type: "json" };

const sources = {
  "business-event/envelope.v1": envelope,
  "business-event/invoice-posted.v1": invoicePosted,
  "business-event/sales-invoice-posted.v1": salesInvoicePosted,
  "business-event/free-text-invoice-posted.v1": freeTextInvoicePosted,
  "canonical/invoice-posted.v1": canonicalInvoice,
  "canonical/event.v1": canonicalEvent,
  "flow/flow.v1": flow,
  "flow/mail-texts.v1": mailTexts,
  "flow/target-settings.v1": targetSettings,
  "mapping/mapping.v1": mapping,
  "targets/workflow/invoice-to-crm.v1": invoiceToCrm,
  "targets/workflow/invoice-email.v1": invoiceEmail,
} satisfies Record<string, AnySchemaObject>;

export type SchemaName = keyof typeof sources;

interface SchemaProblem {
  /** Where in the value: `targets.ce.mode`; empty for the value itself. */
  readonly path: string;
  /** The rule that failed: required, type, pattern, enum, additionalProperties, … */
  readonly keyword: string;
  readonly message: string;
  /** What the schema knows in that place, for "did you mean". */
  readonly wrong?: string;
  readonly known?: readonly string[];
}

export interface SchemaSet {
  readonly names: readonly SchemaName[];
  readonly schemas: Readonly<Record<SchemaName, AnySchemaObject>>;
  /** Columns that mappings may write or look up, by Dataverse table. */
  readonly dataverseTables: Readonly<Record<string, readonly string[]>>;
  /** Every problem of the value; none when it is valid. */
  problems(name: SchemaName, value: unknown): readonly SchemaProblem[];
}

/** Compiles each schema when its first value comes, and keeps it: once per process and never per message. */
export function createSchemaSet(): SchemaSet {
  const ajv = new Ajv2020({
    allErrors: true,
    allowUnionTypes: true,
    strictRequired: false,
    // Errors then carry the schema around them, for "did you mean".
    verbose: true,
    // Tests hold the schemas to their examples; checking and optimising them would triple the cold start.
    meta: false,
    validateSchema: false,
    code: { optimize: false },
  });
  addFormats.default(ajv);
  ajv.addVocabulary(["tsType"]);
  for (const schema of Object.values(sources)) ajv.addSchema(schema);
  return {
    names: Object.keys(sources) as SchemaName[],
    schemas: sources,
    dataverseTables,
    problems: (name, value) => {
      const validate = ajv.getSchema(sources[name].$id);
      if (validate === undefined) throw new Error(`There is no schema ${name}`);
      if (validate(value) === true) return [];
      return (validate.errors ?? []).filter((error) => error.keyword !== "if").map(toProblem);
    },
  };
}

function toProblem(error: ErrorObject): SchemaProblem {
  const at = error.instancePath.slice(1).replaceAll("/", ".").replaceAll("~1", "/");
  const join = (name: string): string => (at === "" ? name : `${at}.${name}`);
  switch (error.keyword) {
    case "required":
      return {
        path: join(String(error.params["missingProperty"])),
        keyword: "required",
        message: "is missing",
      };
    case "additionalProperties": {
      const wrong = String(error.params["additionalProperty"]);
      const properties = error.parentSchema?.["properties"] as object | undefined;
      return {
        path: join(wrong),
        keyword: "additionalProperties",
        message: "is not known here",
        wrong,
        known: Object.keys(properties ?? {}),
      };
    }
    case "enum": {
      const known = (error.params["allowedValues"] as readonly unknown[]).map(String);
      return {
        path: at,
        keyword: "enum",
        message: `must be one of ${known.join(", ")}`,
        wrong: String(error.data),
        known,
      };
    }
    case "const":
      return {
        path: at,
        keyword: "const",
        message: `must be ${JSON.stringify(error.params["allowedValue"])}`,
      };
    default:
      return { path: at, keyword: error.keyword, message: error.message ?? "is not valid" };
  }
}
