import type { AmqpValue } from "./amqp-value.ts";
import { BrokerError } from "./broker-error.ts";
import { FilterView, toSystemProperty } from "./filter-view.ts";
import {
  readApplicationProperties,
  withApplicationProperties,
  withProperties,
  type RawMessage,
} from "./raw-message.ts";
import { evaluateSql, matchesSql } from "./sql-evaluator.ts";
import { parseSqlAction, parseSqlFilter, type SqlAction } from "./sql-parser.ts";

/** The fields that a correlation filter compares, as azure-native names them. */
export interface CorrelationFilter {
  readonly contentType?: string;
  readonly correlationId?: string;
  readonly label?: string;
  readonly messageId?: string;
  readonly replyTo?: string;
  readonly replyToSessionId?: string;
  readonly sessionId?: string;
  readonly to?: string;
  /** Application properties; all must be equal, in type and value. */
  readonly properties?: Readonly<Record<string, AmqpValue>>;
}

/** A rule as azure-native's `servicebus.Rule` takes it. */
export interface RuleInputs {
  readonly filterType?: "SqlFilter" | "CorrelationFilter";
  readonly sqlFilter?: { readonly sqlExpression?: string };
  readonly correlationFilter?: CorrelationFilter;
  readonly action?: { readonly sqlExpression?: string };
}

/** A compiled rule of a subscription. */
export interface Rule {
  readonly name: string;
  readonly inputs: RuleInputs;
  readonly createdAtMs: number;
  /** Throws a FilterException where the service's evaluation fails. */
  matches(view: FilterView): boolean;
  /** The copy that a rule with an action makes; absent without one. */
  readonly apply: ((raw: RawMessage) => RawMessage) | undefined;
}

export const trueFilter: RuleInputs = {
  filterType: "SqlFilter",
  sqlFilter: { sqlExpression: "1=1" },
};

const ruleInputs = new Set([
  "filterType",
  "sqlFilter",
  "correlationFilter",
  "action",
  // where the rule is; the broker gets names as arguments
  "namespaceName",
  "resourceGroupName",
  "topicName",
  "subscriptionName",
  "ruleName",
]);
const expressionInputs = new Set(["sqlExpression", "compatibilityLevel", "requiresPreprocessing"]);
const correlationFields = [
  "contentType",
  "correlationId",
  "label",
  "messageId",
  "replyTo",
  "replyToSessionId",
  "sessionId",
  "to",
] as const;
const correlationInputs = new Set([...correlationFields, "properties", "requiresPreprocessing"]);

export function toRule(name: string, inputs: RuleInputs, createdAtMs: number): Rule {
  requireKnown(name, inputs, ruleInputs);
  const isCorrelation =
    inputs.filterType === "CorrelationFilter" ||
    (inputs.filterType === undefined && inputs.correlationFilter !== undefined);
  const matches = isCorrelation
    ? toCorrelationMatcher(name, inputs.correlationFilter)
    : toSqlMatcher(name, inputs);
  return { name, inputs, createdAtMs, matches, apply: toApply(name, inputs) };
}

function toSqlMatcher(name: string, inputs: RuleInputs): (view: FilterView) => boolean {
  if (inputs.filterType !== undefined && inputs.filterType !== "SqlFilter") {
    throw invalid(name, `filterType ${JSON.stringify(inputs.filterType)} is unknown`);
  }
  requireKnown(name, inputs.sqlFilter ?? {}, expressionInputs);
  const text = inputs.sqlFilter?.sqlExpression;
  if (text === undefined || text.trim() === "") throw invalid(name, "sqlFilter has no expression");
  const expression = parseSqlFilter(text);
  return (view) => matchesSql(expression, view);
}

function toCorrelationMatcher(
  name: string,
  filter: CorrelationFilter = {},
): (view: FilterView) => boolean {
  requireKnown(name, filter, correlationInputs);
  const fields = correlationFields.flatMap((field) => {
    const wanted = filter[field];
    const property = toSystemProperty(field);
    return wanted === undefined || property === undefined ? [] : [{ property, wanted }];
  });
  const properties = Object.entries(filter.properties ?? {});
  if (fields.length + properties.length === 0) {
    throw invalid(name, "correlationFilter compares nothing");
  }
  return (view) =>
    fields.every(({ property, wanted }) => view.system(property) === wanted) &&
    properties.every(([key, wanted]) => isSame(view.user(key), wanted));
}

function isSame(value: AmqpValue | undefined, wanted: AmqpValue): boolean {
  if (value instanceof Date && wanted instanceof Date) return value.getTime() === wanted.getTime();
  return value === wanted;
}

function toApply(name: string, inputs: RuleInputs): Rule["apply"] {
  requireKnown(name, inputs.action ?? {}, expressionInputs);
  const text = inputs.action?.sqlExpression;
  if (text === undefined || text.trim() === "") return undefined;
  const actions = parseSqlAction(text);
  return (raw) => {
    const named = withApplicationProperties(raw, { RuleName: name });
    return actions.reduce(applyAction, named);
  };
}

function applyAction(raw: RawMessage, action: SqlAction): RawMessage {
  const { scope, name } = action.property;
  const value = action.kind === "set" ? evaluateSql(action.value, new FilterView(raw)) : undefined;
  if (scope === "user") return withApplicationProperties(raw, { [nameIn(raw, name)]: value });
  const field = toSystemProperty(name);
  // The service ignores these in actions: they decide where the message already is.
  if (field === undefined || field === "messageId" || field === "sessionId") return raw;
  return withProperties(raw, { [field]: value === undefined ? null : String(value) });
}

/** SQL ignores case: an existing property keeps its own spelling. */
function nameIn(raw: RawMessage, name: string): string {
  const lower = name.toLowerCase();
  for (const key of readApplicationProperties(raw).keys()) {
    if (key.toLowerCase() === lower) return key;
  }
  return name;
}

function requireKnown(rule: string, inputs: object, known: ReadonlySet<string>): void {
  const unknown = Object.keys(inputs).filter((key) => !known.has(key));
  if (unknown.length > 0) throw invalid(rule, `unknown ${unknown.join(", ")}`);
}

function invalid(rule: string, why: string): BrokerError {
  return new BrokerError("com.microsoft:invalid-definition", `Rule ${rule}: ${why}.`);
}
