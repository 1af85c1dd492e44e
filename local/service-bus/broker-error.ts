/** AMQP error conditions that the broker raises; a client translates them to its own codes. */
export type BrokerCondition =
  | "amqp:decode-error" // bytes are no AMQP message
  | "amqp:not-allowed" // the entity's kind or settings forbid the operation
  | "amqp:not-found" // no such entity
  | "amqp:not-implemented" // an operation that the local broker does not have
  | "amqp:unauthorized-access" // no token, or one without the right
  | "amqp:link:message-size-exceeded" // over the entity's maximum message size
  | "com.microsoft:argument-error" // a request without what it needs
  | "com.microsoft:entity-already-exists" // created twice
  | "com.microsoft:entity-disabled" // status forbids sending or receiving
  | "com.microsoft:invalid-definition" // a property or a rule that Azure would refuse
  | "com.microsoft:message-lock-lost" // settled or renewed after the lock ended
  | "com.microsoft:message-not-found" // no deferred or scheduled message has that number
  | "com.microsoft:session-cannot-be-locked" // somebody else holds the session
  | "com.microsoft:session-lock-lost" // the session's lock ended
  | "com.microsoft:timeout"; // no session had messages in time

/** A refusal by the broker: `condition` for programs, `message` for people. */
export class BrokerError extends Error {
  readonly condition: BrokerCondition;

  constructor(condition: BrokerCondition, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokerError";
    this.condition = condition;
  }
}

/** The sentence by which the JavaScript client recognises a missing entity; `host` without its port. */
export function toEntityNotFound(host: string, entityPath: string): BrokerError {
  return new BrokerError(
    "amqp:not-found",
    `The messaging entity 'sb://${host}/${entityPath}' could not be found.`,
  );
}
