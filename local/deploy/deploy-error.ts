export type DeployErrorCode =
  /** The program registers a resource type that the local Azure does not have. */
  | "UNKNOWN_RESOURCE_TYPE"
  /** The program calls a provider function that the local Azure does not have. */
  | "UNKNOWN_FUNCTION"
  /** A resource lacks a property, or has one of another kind than Azure takes. */
  | "INVALID_PROPERTY"
  /** A local service refused the resource. */
  | "RESOURCE_FAILED";

/** Why the local Azure could not deploy the program; names the resource. */
export class DeployError extends Error {
  readonly code: DeployErrorCode;

  constructor(code: DeployErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeployError";
    this.code = code;
  }
}
