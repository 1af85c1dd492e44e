/** One member of Salesforce's error array. */
export interface SalesforceError {
  readonly message: string;
  readonly errorCode: string;
  readonly fields?: readonly string[];
}

export function salesforceError(
  errorCode: string,
  message: string,
  fields?: readonly string[],
): SalesforceError {
  return { message, errorCode, ...(fields === undefined ? {} : { fields }) };
}
