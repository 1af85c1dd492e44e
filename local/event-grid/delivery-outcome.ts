/** How an attempt ended, in Event Grid's own words (`lastDeliveryOutcome`), and what follows from it. */
export type DeliveryOutcome =
  | "Delivered"
  | "NotFound"
  | "Disabled"
  | "Full"
  | "Unauthorized"
  | "Forbidden"
  | "BadRequest"
  | "PayloadTooLarge"
  | "TimedOut"
  | "Busy"
  | "SocketError"
  | "ResolutionError"
  | "SessionQueueNotSupported"
  | "Aborted";

/** What a dead letter can say when its event had no attempt of its own. */
export type LastDeliveryOutcome = Exclude<DeliveryOutcome, "Delivered"> | "Probation";

export type DestinationKind = "azureResource" | "webhook";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule */
const retryDelaysMs = [
  10 * secondMs,
  30 * secondMs,
  minuteMs,
  5 * minuteMs,
  10 * minuteMs,
  30 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
];
const lastRetryDelayMs = 12 * hourMs;

/** The schedule's wait after so many attempts, without randomness. */
export function toRetryDelayMs(attempts: number): number {
  return retryDelaysMs[attempts - 1] ?? lastRetryDelayMs;
}

/** The least time before the next attempt, whatever the schedule says. */
export function toMinimumWaitMs(outcome: DeliveryOutcome, kind: DestinationKind): number {
  switch (outcome) {
    case "Unauthorized":
    case "NotFound":
      return kind === "azureResource" ? 5 * minuteMs : 10 * secondMs;
    case "TimedOut":
      return 2 * minuteMs;
    case "Busy":
      return 30 * secondMs;
    default:
      return 10 * secondMs;
  }
}

/** How long an endpoint that keeps failing gets nothing at all. */
export function toProbationMs(outcome: DeliveryOutcome): number {
  switch (outcome) {
    case "NotFound":
    case "ResolutionError":
    case "Disabled":
    case "Full":
    case "Unauthorized":
    case "Forbidden":
      return 5 * minuteMs;
    case "SocketError":
      return 30 * secondMs;
    default:
      return 10 * secondMs;
  }
}

/** Outcomes that no further attempt can change. */
export function isPermanent(outcome: DeliveryOutcome, kind: DestinationKind): boolean {
  switch (outcome) {
    case "BadRequest":
    case "PayloadTooLarge":
    case "Forbidden":
      return true;
    case "Unauthorized":
      return kind === "webhook";
    default:
      return false;
  }
}
