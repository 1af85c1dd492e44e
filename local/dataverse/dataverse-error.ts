/**
 * A refusal as the Web API words it: status, hexadecimal code, message.
 * Codes: https://learn.microsoft.com/power-apps/developer/data-platform/reference/web-service-error-codes
 */
export class DataverseError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = "DataverseError";
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

export const errorCodes = {
  objectDoesNotExist: "0x80040217",
  recordNotFoundByKey: "0x80060891",
  duplicateKey: "0x80060892",
  duplicateId: "0x80040237",
  versionMismatch: "0x80060882",
  preconditionFailed: "0x80060880",
  badPayload: "0x80048d19",
  unknownProperty: "0x80060888",
  outOfRange: "0x80044330",
  tooLong: "0x80044331",
  invalidArgument: "0x80040203",
  privilegeDenied: "0x80040220",
  notAMember: "0x80072560",
  invalidStatus: "0x80048408",
  /** From memory: the number differs between versions, so callers must not decide by it. */
  rowIsClosed: "0x80043b1a",
  tooManyRequests: "0x80072322",
  tooMuchTime: "0x80072321",
  tooManyConcurrent: "0x80072326",
  attributeExists: "0x80044153",
  keyExists: "0x80060893",
  batchTooLarge: "0x80060890",
} as const;

export function missingRow(table: string, id: string): DataverseError {
  return new DataverseError(
    404,
    errorCodes.objectDoesNotExist,
    `Entity '${table}' With Id = ${id} Does Not Exist`,
  );
}

export function missingKey(table: string): DataverseError {
  return new DataverseError(
    404,
    errorCodes.recordNotFoundByKey,
    `A record with the specified key values does not exist in ${table} entity`,
  );
}

export function missingResource(segment: string): DataverseError {
  return new DataverseError(
    404,
    errorCodes.unknownProperty,
    `Resource not found for the segment '${segment}'.`,
  );
}

/** A body that the OData layer refuses before the row is looked at. */
export function badPayload(entitySet: string, detail: string): DataverseError {
  return new DataverseError(
    400,
    errorCodes.badPayload,
    `Error identified in Payload provided by the user for Entity :'${entitySet}'  ---->  InnerException : Microsoft.OData.ODataException: ${detail}`,
  );
}
