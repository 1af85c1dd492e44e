/** Questions that operators ask, as queries over Application Insights; the workbook shows the same ones. */
export interface SavedQuery {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly query: string;
  readonly visualization: "table" | "timechart" | "barchart";
}

const dimension = (name: string): string => `tostring(customDimensions["${name}"])`;

/** Parameter of the workbook; in a saved query the reader puts the number in. */
export const FIND_PARAMETER = "EventId";

export const savedQueries: readonly SavedQuery[] = [
  {
    name: "what-came-in",
    title: "What came in",
    description: "Accepted events per company and hour.",
    visualization: "timechart",
    query: `customEvents
| where name == "accepted"
| summarize events = dcount(${dimension("eventId")})
    by bin(timestamp, 1h), legalEntity = ${dimension("legalEntity")}`,
  },
  {
    name: "posted-and-arrived",
    title: "Posted and arrived",
    description: "What F&O posted per company and hour, and of how much of it an event came.",
    visualization: "table",
    query: `customEvents
| where name == "posted"
| extend legalEntity = ${dimension("legalEntity")}, hour = ${dimension("hour")},
    posted = todouble(customMeasurements["posted"]), missing = todouble(customMeasurements["missing"])
| summarize arg_max(timestamp, posted, missing) by legalEntity, hour
| project hour, legalEntity, posted, arrived = posted - missing, missing
| order by missing desc, hour desc`,
  },
  {
    name: "what-got-through",
    title: "What got through",
    description: "Deliveries by target and what became of them.",
    visualization: "barchart",
    query: `customEvents
| where name == "delivery"
| extend eventId = ${dimension("eventId")}, target = ${dimension("target")}, state = ${dimension("state")}
| summarize arg_max(timestamp, state) by eventId, target
| summarize deliveries = count() by target, state`,
  },
  {
    name: "what-is-stuck",
    title: "What is stuck",
    description: "Failures without a later effect or decision, by cause.",
    visualization: "table",
    query: `let settled = customEvents
| where name == "discarded"
    or (name == "delivery" and ${dimension("state")} in ("delivered", "superseded", "skipped"))
| project eventId = ${dimension("eventId")}, target = ${dimension("target")};
customEvents
| where name == "failure"
| extend eventId = ${dimension("eventId")}, target = ${dimension("target")}
| join kind=leftanti settled on eventId, target
| summarize failures = dcount(eventId), first = min(timestamp), last = max(timestamp)
    by target, code = ${dimension("code")}, owner = ${dimension("owner")}
| order by failures desc`,
  },
  {
    name: "how-late",
    title: "How late",
    description: "Minutes from posting in F&O to the effect, 50th and 95th of a hundred.",
    visualization: "timechart",
    query: `customEvents
| where name == "delivery" and ${dimension("state")} == "delivered"
| extend minutes = todouble(customMeasurements["lagMs"]) / 60000
| summarize percentiles(minutes, 50, 95) by bin(timestamp, 15m), target = ${dimension("target")}`,
  },
  {
    name: "oldest-waiting",
    title: "Oldest waiting",
    description: "Age of the oldest undelivered event, in minutes.",
    visualization: "timechart",
    query: `customMetrics
| where name == "causeway.backlog.age"
| summarize minutes = max(valueMax) / 60 by bin(timestamp, 5m), target = ${dimension("target")}`,
  },
  {
    name: "which-target-is-ill",
    title: "Which target is ill",
    description: "Outages, retries and what the last answers said.",
    visualization: "table",
    query: `customEvents
| where name == "delivery" and ${dimension("state")} == "pending"
| summarize put_off = count(), last = max(timestamp)
    by target = ${dimension("target")}, why = ${dimension("why")}
| order by put_off desc`,
  },
  {
    name: "ce-quota",
    title: "What CE has left for us",
    description: "The least that Dataverse's answers said is left of its five-minute limits.",
    visualization: "timechart",
    query: `customMetrics
| where name == "causeway.ce.quota"
| summarize left = min(valueMin) by bin(timestamp, 5m), limit = ${dimension("limit")}`,
  },
  {
    name: "find-one-event",
    title: "Find one event",
    description: "Everything that is known of one event, in order.",
    visualization: "table",
    query: `let wanted = tolower("{${FIND_PARAMETER}}");
customEvents
| where ${dimension("eventId")} == wanted
| project timestamp, name, target = ${dimension("target")}, state = ${dimension("state")},
    why = ${dimension("why")}, code = ${dimension("code")}, hop = ${dimension("hop")}, operation_Id
| order by timestamp asc`,
  },
];
