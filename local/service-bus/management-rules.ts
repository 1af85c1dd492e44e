import rhea from "rhea";

import type { AmqpValue } from "./amqp-value.ts";
import type { CorrelationFilter, Rule, RuleInputs } from "./rules.ts";

/** Descriptors of what `enumerate-rules` lists. The filters' codes have one hex zero fewer. */
const descriptors = {
  rule: 0x13700000004,
  emptyAction: 0x13700000005,
  sqlAction: 0x13700000006,
  sqlFilter: 0x1370000006,
  trueFilter: 0x1370000007,
  falseFilter: 0x1370000008,
  correlationFilter: 0x1370000009,
} as const;

/** The wire's names of a correlation filter's fields, in the order in which they are listed. */
const correlationFields = [
  ["correlation-id", "correlationId"],
  ["message-id", "messageId"],
  ["to", "to"],
  ["reply-to", "replyTo"],
  ["label", "label"],
  ["session-id", "sessionId"],
  ["reply-to-session-id", "replyToSessionId"],
  ["content-type", "contentType"],
] as const;

const { types } = rhea;

/** Reads the map of an `add-rule` request. */
export function toRuleInputs(description: unknown): RuleInputs {
  const fields = toRecord(description);
  const action = toText(toRecord(fields["sql-rule-action"])["expression"]);
  const correlation = fields["correlation-filter"];
  const filter: RuleInputs =
    correlation === undefined
      ? {
          filterType: "SqlFilter",
          sqlFilter: { sqlExpression: toText(toRecord(fields["sql-filter"])["expression"]) ?? "" },
        }
      : { filterType: "CorrelationFilter", correlationFilter: toCorrelationFilter(correlation) };
  return action === undefined ? filter : { ...filter, action: { sqlExpression: action } };
}

function toCorrelationFilter(value: unknown): CorrelationFilter {
  const fields = toRecord(value);
  const filter: Record<string, unknown> = {};
  for (const [wireName, name] of correlationFields) {
    const text = toText(fields[wireName]);
    if (text !== undefined) filter[name] = text;
  }
  const properties = toRecord(fields["properties"]);
  if (Object.keys(properties).length > 0) filter["properties"] = properties;
  return filter;
}

export function listRules(rules: readonly Rule[]): unknown {
  return types.wrap_list(rules.map((rule) => ({ "rule-description": toDescription(rule) })));
}

function toDescription(rule: Rule): unknown {
  return describe(descriptors.rule, [
    toFilter(rule),
    toAction(rule),
    rule.name,
    types.wrap_timestamp(rule.createdAtMs),
  ]);
}

function toFilter({ inputs }: Rule): unknown {
  const { correlationFilter } = inputs;
  if (inputs.filterType === "CorrelationFilter" && correlationFilter !== undefined) {
    const texts = correlationFields.map(([, name]) => correlationFilter[name] ?? null);
    const properties: Readonly<Record<string, AmqpValue>> = correlationFilter.properties ?? {};
    return describe(descriptors.correlationFilter, [...texts, properties]);
  }
  const expression = inputs.sqlFilter?.sqlExpression ?? "";
  if (expression === "1=1") return describe(descriptors.trueFilter, []);
  if (expression === "1=0") return describe(descriptors.falseFilter, []);
  return describe(descriptors.sqlFilter, [expression, types.wrap_int(20)]);
}

function toAction({ inputs }: Rule): unknown {
  const expression = inputs.action?.sqlExpression;
  if (expression === undefined) return describe(descriptors.emptyAction, []);
  return describe(descriptors.sqlAction, [expression, types.wrap_int(20)]);
}

function describe(descriptor: number, fields: readonly unknown[]): unknown {
  return types.wrap_described(fields, descriptor);
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
