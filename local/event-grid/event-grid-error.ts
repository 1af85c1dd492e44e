/** Why Event Grid refuses a resource's definition. */
export type EventGridErrorCode =
  | "TOPIC_UNKNOWN" // a subscription's topic is not there
  | "TOPIC_NAME_TAKEN" // the endpoint carries the name, so it must be unique
  | "SUBSCRIPTION_LIMIT" // 500 per topic
  | "SCHEMA_UNSUPPORTED" // custom input schema, or CloudEvents in and Event Grid out
  | "DESTINATION_UNSUPPORTED" // not Service Bus nor webhook
  | "IDENTITY_MISSING" // the subscription names an identity that the topic has not
  | "FILTER_INVALID" // over 25 filters or values, an unknown operator
  | "RETRY_POLICY_INVALID" // outside 1-30 attempts, 1-1440 minutes
  | "ATTRIBUTE_MAPPING_INVALID" // over 10, a reserved name, no value
  | "ENDPOINT_VALIDATION_FAILED"; // the webhook did not consent

/** A definition that Azure would refuse as well, or that the local Event Grid does not have. */
export class EventGridError extends Error {
  readonly code: EventGridErrorCode;

  constructor(code: EventGridErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "EventGridError";
    this.code = code;
  }
}
