/*
 * Every custom event and metric that leaves the function app, in one place: code can tell nothing that
 * is not here (types), alerts and the workbook may ask for nothing that is not here (a test).
 *
 * In Application Insights events are `customEvents` (workspace: AppEvents), their dimensions
 * `customDimensions` (Properties), all text, their measurements `customMeasurements` (Measurements).
 * Metrics are `customMetrics` (AppMetrics), one row a minute and instance with `value` (the sum),
 * `valueCount`, `valueMin` and `valueMax`: a count's `value` is to be summed, a gauge's `valueMax` (what is
 * left of a quota: `valueMin`) looked at. Nothing here is sampled.
 *
 * The event of an outcome is its structured log line, too: one a wake-up (`delivery`), identifiers and codes
 * only. A second record of the same as a trace would double the bill and say nothing more
 * (docs/decisions/0053).
 */

/**
 * How many values a dimension can have. `few`: named in code. `configured`: as many as the flows and
 * the stack name. `codes`: failure codes and skip rules, `OTHER` beyond the first 100. `ids`: without
 * limit, so never on a metric.
 */
type Cardinality = "few" | "configured" | "codes" | "ids";

/** A dimension means the same wherever it stands. */
export const telemetryDimensions = {
  /** F&O's EventId; the trace's id derives from it. */
  eventId: "ids",
  failureId: "ids",
  /** Stable id of a cause: code, target and what the reasons have in common. */
  group: "ids",
  /** Times that the delivery's wake-up was sent. */
  hop: "ids",
  /** Tries against a reachable target. */
  attempts: "ids",
  /** Rises with each replay after a confirmed failure. */
  generation: "ids",
  /** Open or skipped targets of an accepted event, as a list with commas. */
  open: "configured",
  skipped: "configured",
  /** Messages in a batch, as text. */
  messages: "ids",
  /** Folder in `flows/`; empty where no flow is known. */
  flow: "configured",
  /** `ce`, `crm`, `email`; `intake` for the event itself. */
  target: "configured",
  legalEntity: "configured",
  /** A ledger state, or a gate's. */
  state: "few",
  /** Code of the last answer, or rule of a skip; a rule may be followed by an event id. */
  why: "ids",
  code: "codes",
  /** intake, delivery or transport. */
  stage: "few",
  /** masterData, finance or integration. */
  owner: "few",
  /** webhook or mail. */
  channel: "few",
  /** The function or door that tells. */
  name: "few",
  /** What became of the thing that the event names: ok, failed, late, … */
  result: "few",
  replayId: "ids",
  verificationId: "ids",
  /** Start of a full hour in UTC, ISO 8601. */
  hour: "ids",
  /** Upper bound of a histogram's class in seconds, `inf` for the last. */
  upTo: "few",
  /** Of a Dataverse limit: requests or seconds. */
  limit: "few",
} as const satisfies Readonly<Record<string, Cardinality>>;

type DimensionName = keyof typeof telemetryDimensions;

interface EventDefinition {
  readonly meaning: string;
  readonly dimensions: readonly DimensionName[];
  readonly measurements: readonly string[];
}

/** `…Ms` are milliseconds, everything else a count. */
export const telemetryEvents = {
  received: {
    meaning: "A business event has a row in the ledger for the first time.",
    dimensions: ["eventId"],
    measurements: [],
  },
  endpointTest: {
    meaning:
      "F&O's test message has come through a door; it does nothing and has no row in the ledger.",
    dimensions: ["eventId", "name"],
    measurements: [],
  },
  accepted: {
    meaning:
      "An event and its deliveries are in the ledger: `open` ones pending, `skipped` ones by a rule.",
    dimensions: ["eventId", "flow", "legalEntity", "open", "skipped"],
    /** lagMs: EventTime to acceptance. */
    measurements: ["lagMs"],
  },
  delivery: {
    meaning:
      "A ledger row was written after a wake-up or a call: its state now, or pending with what it waits for.",
    dimensions: ["eventId", "flow", "target", "state", "hop", "attempts", "why"],
    /** lagMs: EventTime to effect, only on delivered, superseded and published. */
    measurements: ["lagMs"],
  },
  duplicate: {
    meaning: "An event or document that came again made no second effect.",
    dimensions: ["eventId", "flow", "target"],
    measurements: [],
  },
  failure: {
    meaning: "A failure is in the failure store and waits for a person.",
    dimensions: ["code", "target", "stage", "eventId", "failureId", "owner", "group"],
    measurements: [],
  },
  replayed: {
    meaning: "A failure's delivery was sent again by a replay.",
    dimensions: ["eventId", "flow", "target", "failureId", "generation"],
    measurements: [],
  },
  discarded: {
    meaning: "A person decided that a failure is not to be delivered.",
    dimensions: ["eventId", "flow", "target", "failureId", "code"],
    measurements: [],
  },
  replay: {
    meaning:
      "A replay ended a step (state running, counts of that step) or ended itself (done, stopped, cancelled, counts of all ended steps; told again when what was still under way has settled).",
    dimensions: ["replayId", "state"],
    measurements: ["delivered", "skipped", "failedAgain", "refused"],
  },
  verification: {
    meaning:
      "F&O, ledger and a target were compared for a company: result ok or differences. Without company and target it is about the whole verification: failed (it broke off, and the others are not told), or ok because nothing was posted. No row for a day: the nightly one has not run.",
    dimensions: ["verificationId", "legalEntity", "target", "result"],
    measurements: ["compared", "missing", "doubled", "differing", "repaired"],
  },
  posted: {
    meaning:
      "What F&O posted for a company in one full hour was counted against the ledger; a later count of the same hour replaces this one.",
    dimensions: ["legalEntity", "hour"],
    /** known: documents of which an event is in the ledger; missing: the others. */
    measurements: ["posted", "known", "missing"],
  },
  counted: {
    meaning:
      "A round of counting ended: result ok or failed. No ok for some hours: nobody knows whether events are missing.",
    dimensions: ["result", "code"],
    measurements: ["posted", "missing"],
  },
  gate: {
    meaning: "A target's gate changed: open, outage, throttled or paused.",
    dimensions: ["target", "state"],
    /** forMs: how long the state before had lasted. */
    measurements: ["forMs"],
  },
  sweep: {
    meaning: "The sweep looked at a target's open deliveries.",
    dimensions: ["target"],
    measurements: ["seen", "woken", "stuck", "cleared"],
  },
  ledgerAway: {
    meaning: "The ledger gave no answer; a batch was sent ahead unchanged.",
    dimensions: ["name", "messages"],
    measurements: [],
  },
  probe: {
    meaning:
      "The built-in probe went through a target in dry-run: result ok, failed, late, or notCalled while the target's gate is closed. No row for a target within three rounds is a gap.",
    dimensions: ["target", "result", "code"],
    measurements: ["lagMs"],
  },
  undecided: {
    meaning:
      "A group of failures has been open for longer than retention.escalateDays; told every day for as long as it is.",
    dimensions: ["code", "target", "owner", "group"],
    measurements: ["failures", "oldestDays"],
  },
  retention: {
    meaning:
      "A run of retention ended: result ok, unfinished (the next one goes on) or failed. No ok for two days: personal data is kept longer than promised.",
    dimensions: ["result", "code"],
    measurements: ["days", "bodies", "tables", "blobs"],
  },
  notification: {
    meaning:
      "An owner was told of a new failure group, of one that nobody decides, or got the digest: result sent or failed.",
    dimensions: ["owner", "channel", "name", "group", "result", "code"],
    measurements: ["failures"],
  },
} as const satisfies Readonly<Record<string, EventDefinition>>;

interface MetricDefinition {
  readonly meaning: string;
  readonly kind: "count" | "gauge";
  readonly unit: "count" | "seconds" | "state";
  readonly dimensions: readonly DimensionName[];
}

export const telemetryMetrics = {
  "causeway.accepted": {
    meaning: "Events accepted.",
    kind: "count",
    unit: "count",
    dimensions: ["flow"],
  },
  "causeway.delivered": {
    meaning: "Deliveries that have their effect.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target"],
  },
  "causeway.skipped": {
    meaning: "Deliveries that a rule ended, at intake or later.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target", "code"],
  },
  "causeway.retried": {
    meaning: "Deliveries put off after an answer or because a target was away; each time counts.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target", "code"],
  },
  "causeway.failed": {
    meaning: "Deliveries that became failures.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target", "code"],
  },
  "causeway.replayed": {
    meaning: "Failures sent again by a replay.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target"],
  },
  "causeway.duplicates": {
    meaning: "Events and documents that came again and made no second effect.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target"],
  },
  "causeway.lag": {
    meaning:
      "Histogram of EventTime to effect: a count per class, each delivery in one class; sum up to the class for a percentile.",
    kind: "count",
    unit: "count",
    dimensions: ["flow", "target", "upTo"],
  },
  "causeway.backlog.age": {
    meaning: "Age of the oldest message that waits for a target (told by the sweep); 0 for none.",
    kind: "gauge",
    unit: "seconds",
    dimensions: ["target"],
  },
  "causeway.backlog.open": {
    meaning: "Deliveries of a target that are not settled (told by the sweep).",
    kind: "gauge",
    unit: "count",
    dimensions: ["target"],
  },
  "causeway.posted.missing": {
    meaning:
      "Documents that F&O posted in the last full hours and of which no event has come (told by the count, each hour).",
    kind: "gauge",
    unit: "count",
    dimensions: ["legalEntity"],
  },
  "causeway.outage": {
    meaning: "1 while a target's gate stands at outage, else 0 (told by the sweep and on change).",
    kind: "gauge",
    unit: "state",
    dimensions: ["target"],
  },
  "causeway.ce.quota": {
    meaning:
      "What Dataverse's answers say is left of its five-minute limits; the least of the minute.",
    kind: "gauge",
    unit: "count",
    dimensions: ["limit"],
  },
  "causeway.probe.lag": {
    meaning: "How long the built-in probe took from its event's time to a target's dry-run.",
    kind: "gauge",
    unit: "seconds",
    dimensions: ["target"],
  },
  "causeway.telemetry.dropped": {
    meaning: "Telemetry let go because the collector was away or slow; it is never waited for.",
    kind: "count",
    unit: "count",
    dimensions: [],
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Classes of `causeway.lag`, seconds; the last class is `inf`. */
export const lagClasses = [1, 2, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400] as const;

export type EventName = keyof typeof telemetryEvents;
export type MetricName = keyof typeof telemetryMetrics;

/** Exactly the dimensions that the catalogue gives the event or metric. */
export type EventDimensions<Name extends EventName> = Readonly<
  Record<(typeof telemetryEvents)[Name]["dimensions"][number], string | number>
>;
export type EventMeasurements<Name extends EventName> = Readonly<
  Partial<Record<(typeof telemetryEvents)[Name]["measurements"][number], number>>
>;
export type MetricDimensions<Name extends MetricName> = Readonly<
  Record<(typeof telemetryMetrics)[Name]["dimensions"][number], string>
>;
