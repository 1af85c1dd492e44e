/*
 * Every alert as data: what is asked, when it fires, how bad it is. The component `Alerts` makes
 * resources of them, the runbook has a section `alert-<name>` for each (a test), and tests hold each
 * query against the tables of Application Insights and the function app's catalogue of telemetry.
 */

import type { Rule } from "./alert-rule.ts";
import { metricAlerts } from "./metric-alerts.ts";

/** Asked of Application Insights in the language of its tables. */
export interface LogAlert extends Rule {
  readonly query: string;
  /** Column that is compared; one row per combination of `splitBy`. */
  readonly measure: string;
  readonly aggregation: "Total" | "Maximum";
  readonly operator: "GreaterThan" | "LessThan";
  readonly threshold: number;
  readonly splitBy: readonly string[];
  /** ISO 8601 durations that Azure takes: 5, 10, 15, 30 minutes, 1 to 6 hours, 1 or 2 days. */
  readonly every: string;
  readonly window: string;
  /** Looks further back than `window` may: at most two days. */
  readonly lookBack?: string;
}

const dimension = (name: string): string => `tostring(customDimensions["${name}"])`;

export function createLogAlerts(limits: {
  /** Minutes that a delivery may wait before somebody is told. */
  readonly oldestUndeliveredMinutes: number;
}): readonly LogAlert[] {
  return [
    {
      name: "failures-opened",
      title: "New failures wait for a person",
      severity: 2,
      query: `customEvents
| where name == "failure"
| summarize failures = dcount(${dimension("failureId")})
    by target = ${dimension("target")}, code = ${dimension("code")}, owner = ${dimension("owner")}`,
      measure: "failures",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["target", "code", "owner"],
      every: "PT15M",
      window: "PT15M",
    },
    {
      name: "failures-open",
      title: "Failures have been open for more than four hours",
      severity: 2,
      query: `let settled = customEvents
| where name == "discarded"
    or (name == "delivery" and ${dimension("state")} in ("delivered", "superseded", "skipped"))
| project eventId = ${dimension("eventId")}, target = ${dimension("target")};
customEvents
| where name == "failure" and timestamp < ago(4h)
| extend eventId = ${dimension("eventId")}, target = ${dimension("target")}
| join kind=leftanti settled on eventId, target
| summarize failures = dcount(eventId) by target`,
      measure: "failures",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["target"],
      every: "PT1H",
      window: "P1D",
      lookBack: "P2D",
    },
    {
      name: "oldest-undelivered",
      title: "The oldest undelivered event is too old",
      severity: 1,
      query: `customMetrics
| where name == "causeway.backlog.age"
| summarize minutes = max(valueMax) / 60 by target = ${dimension("target")}`,
      measure: "minutes",
      aggregation: "Maximum",
      operator: "GreaterThan",
      threshold: limits.oldestUndeliveredMinutes,
      splitBy: ["target"],
      every: "PT15M",
      window: "PT15M",
    },
    {
      name: "target-away",
      title: "A target has been away for half an hour",
      severity: 1,
      query: `customMetrics
| where name == "causeway.outage"
| summarize away = min(valueMin) by target = ${dimension("target")}`,
      measure: "away",
      aggregation: "Maximum",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["target"],
      every: "PT15M",
      window: "PT30M",
    },
    {
      name: "ce-throttled",
      title: "CE throttles Causeway",
      severity: 3,
      query: `customMetrics
| where name == "causeway.retried" and ${dimension("code")} == "CE_THROTTLED"
| summarize deliveries = sum(value)`,
      measure: "deliveries",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 100,
      splitBy: [],
      every: "PT15M",
      window: "PT30M",
    },
    {
      name: "function-errors",
      title: "The function app meets errors",
      severity: 2,
      query: `exceptions
| summarize errors = count() by type`,
      measure: "errors",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 20,
      splitBy: ["type"],
      every: "PT15M",
      window: "PT15M",
    },
    {
      name: "ledger-away",
      title: "The ledger does not answer",
      severity: 1,
      query: `customEvents
| where name == "ledgerAway"
| summarize batches = count()`,
      measure: "batches",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 5,
      splitBy: [],
      every: "PT5M",
      window: "PT15M",
    },
    {
      name: "sweep-silent",
      title: "Nothing has been heard of the function app",
      severity: 1,
      query: `customEvents
| where name == "sweep"
| summarize sweeps = count()`,
      measure: "sweeps",
      aggregation: "Total",
      operator: "LessThan",
      threshold: 1,
      splitBy: [],
      every: "PT15M",
      window: "PT30M",
    },
    {
      name: "events-missing",
      title: "A company that sent events yesterday sends none today",
      severity: 3,
      // Tuesday to Friday: a company that rests at the weekend is not missed on Monday.
      query: `customEvents
| where name == "accepted" and dayofweek(now()) between (2d .. 5d)
| extend legalEntity = ${dimension("legalEntity")}
| summarize yesterday = countif(timestamp < ago(1d)), today = countif(timestamp >= ago(1d)) by legalEntity
| where yesterday >= 10 and today == 0
| summarize companies = count() by legalEntity`,
      measure: "companies",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["legalEntity"],
      every: "PT6H",
      window: "P1D",
      lookBack: "P2D",
    },
    {
      name: "posted-missing",
      title: "F&O posted more than arrived",
      severity: 1,
      // An hour is counted several times: the last count of it stands.
      query: `customEvents
| where name == "posted"
| extend legalEntity = ${dimension("legalEntity")}, hour = ${dimension("hour")},
    missing = todouble(customMeasurements["missing"])
| summarize arg_max(timestamp, missing) by legalEntity, hour
| summarize documents = sum(missing) by legalEntity`,
      measure: "documents",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["legalEntity"],
      every: "PT30M",
      window: "PT4H",
    },
    {
      name: "posted-not-counted",
      title: "Nobody counts what F&O posts",
      severity: 2,
      // Fires on silence: of the count, of the function app and of its telemetry alike.
      query: `customEvents
| where name == "counted" and ${dimension("result")} == "ok"
| summarize counts = count()`,
      measure: "counts",
      aggregation: "Total",
      operator: "LessThan",
      threshold: 1,
      splitBy: [],
      every: "PT30M",
      window: "PT3H",
    },
    {
      name: "failures-undecided",
      title: "Nobody decides what has failed",
      severity: 3,
      // Told once a day, for as long as it lasts.
      query: `customEvents
| where name == "undecided"
| extend target = ${dimension("target")}, code = ${dimension("code")}, owner = ${dimension("owner")},
    failures = todouble(customMeasurements["failures"])
| summarize failures = max(failures) by target, code, owner`,
      measure: "failures",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: ["target", "code", "owner"],
      every: "PT6H",
      window: "P1D",
    },
    {
      name: "retention-late",
      title: "Personal data is kept longer than promised",
      severity: 3,
      // Fires on silence, as a run that breaks off and one that never ends are both late; not on a stack's first day,
      // whose night is still to come; and also when nothing at all is told any more.
      query: `customEvents
| summarize runs = countif(name == "retention" and ${dimension("result")} == "ok"), since = min(timestamp)
| where isnull(since) or since < ago(1d)
| project runs`,
      measure: "runs",
      aggregation: "Total",
      operator: "LessThan",
      threshold: 1,
      splitBy: [],
      every: "PT6H",
      window: "P2D",
    },
    {
      name: "probe-failed",
      title: "The built-in probe did not get through",
      severity: 2,
      query: `customEvents
| where name == "probe" and ${dimension("result")} !in ("ok", "notCalled")
| summarize rounds = count() by target = ${dimension("target")}`,
      measure: "rounds",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 1,
      splitBy: ["target"],
      every: "PT15M",
      window: "PT1H",
    },
    {
      name: "telemetry-lost",
      title: "Telemetry is being lost",
      severity: 3,
      query: `customMetrics
| where name == "causeway.telemetry.dropped"
| summarize rows = sum(value)`,
      measure: "rows",
      aggregation: "Total",
      operator: "GreaterThan",
      threshold: 0,
      splitBy: [],
      every: "PT1H",
      window: "PT1H",
    },
  ];
}

/** Alerts that are neither a query nor a metric; their resources are in `components/alerts.ts`. */
export const otherAlerts = {
  secretExpiry: { name: "secret-expiry", title: "A secret expires", severity: 2 },
  certificate: { name: "app-unreachable", title: "The HTTPS door does not answer", severity: 1 },
  serviceHealth: { name: "service-health", title: "Azure reports a problem", severity: 3 },
  budget: { name: "budget", title: "The month costs more than planned", severity: 3 },
} as const satisfies Readonly<Record<string, Rule>>;

/** Names of all alerts, for the runbook. */
export function alertNames(): readonly string[] {
  const rules: readonly Rule[] = [
    ...createLogAlerts({ oldestUndeliveredMinutes: 60 }),
    ...metricAlerts,
    ...Object.values(otherAlerts),
  ];
  return rules.map(({ name }) => name);
}

/** Where the runbook says what to do; a heading `alert-<name>` makes this anchor. */
export function toRunbookLink(runbookUrl: string, name: string): string {
  return `${runbookUrl}#alert-${name}`;
}
