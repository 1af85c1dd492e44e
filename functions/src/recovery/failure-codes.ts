/** Who can do something about a failure. */
export type FailureOwner = "masterData" | "finance" | "integration";

export interface FailureMeaning {
  readonly owner: FailureOwner;
  /** Where it is put right. */
  readonly fixIn: "F&O" | "CE" | "CRM" | "mail" | "flow" | "Azure" | "Causeway";
  readonly meaning: string;
}

/** Every code that a failure can have, with who puts it right and where. */
const catalogue = {
  MALFORMED_EVENT: of("finance", "F&O", "The message is not a business event as F&O sends it."),
  UNKNOWN_EVENT: of("integration", "flow", "No flow takes this business event."),
  SOURCE_NOT_FOUND: of("finance", "F&O", "F&O does not have the document that the event tells of."),
  SOURCE_MISMATCH: of("finance", "F&O", "Another document has this number in F&O."),
  SOURCE_INVALID: of("finance", "F&O", "What F&O returned makes no valid invoice."),
  FINANCE_FAILED: of("finance", "F&O", "F&O failed while it was read."),
  FINANCE_REFUSED: of("integration", "Causeway", "F&O does not understand what it was asked."),
  RETRIES_EXHAUSTED: of("integration", "Causeway", "The target kept failing for the flow's limit."),
  TARGET_DOWN: of("integration", "Azure", "The target gave no answer for seven days."),
  OUTCOME_UNKNOWN: of(
    "integration",
    "mail",
    "It may have happened; nothing could tell for an hour.",
  ),
  STUCK: of("integration", "Causeway", "Wake-ups were sent again and again and none arrived."),
  DEAD_LETTERED: of("integration", "Causeway", "Service Bus gave the message up."),
  BODY_TOO_LARGE: of("integration", "Causeway", "The document does not fit a ledger row."),
  BODY_MISSING: of("integration", "Causeway", "The ledger has no body for the event."),
  UNREADABLE_MESSAGE: of("integration", "Causeway", "A message that is no event was found."),
  EVENT_GRID_UNDELIVERED: of("integration", "Azure", "Event Grid could not hand the event over."),
  CE_CUSTOMER_MISSING: of("masterData", "CE", "CE has no account or contact for the customer."),
  CE_CUSTOMER_AMBIGUOUS: of("masterData", "CE", "CE has several rows for the customer."),
  CE_CURRENCY_MISSING: of("masterData", "CE", "CE does not have the invoice's currency."),
  CE_OWNER_TEAM_MISSING: of(
    "masterData",
    "CE",
    "CE does not have the team that owns the company's rows.",
  ),
  CE_RECORD_MISSING: of("masterData", "CE", "CE does not have a record that the mapping asks for."),
  CE_ROW_CLOSED: of("finance", "CE", "The row in CE is closed and says something else."),
  CE_REJECTED: of("integration", "CE", "CE does not take the record as it is."),
  CE_MAPPING_FAILED: of("integration", "flow", "The mapping gives no record for this document."),
  BODY_RETENTION_OVER: of(
    "integration",
    "Causeway",
    "The retention of the event's body was over before it was delivered.",
  ),
  CE_BODY_MISSING: of("integration", "Causeway", "The event came without its data."),
  LOOKUP_MISSING: of(
    "masterData",
    "flow",
    "A record that the mapping insists on is not there, or the document does not name it.",
  ),
  WORKFLOW_FAILED: of("integration", "Causeway", "The workflow itself failed."),
  CRM_REJECTED: of("integration", "CRM", "The CRM does not take the record as it is."),
  CRM_AMBIGUOUS: of("masterData", "CRM", "The CRM has several records under one external id."),
  MAIL_REJECTED: of("masterData", "mail", "The mail service does not take the mail."),
  MAIL_FAILED: of("masterData", "mail", "The mail service took the mail and could not deliver it."),
  MAIL_CANCELED: of("integration", "mail", "The mail service cancelled the mail."),
  MAIL_NOT_CONFIGURED: of("integration", "flow", "The company has no sender or no mail texts."),
} as const satisfies Record<string, FailureMeaning>;

export type FailureCode = keyof typeof catalogue;

const unknownMeaning = of("integration", "Causeway", "A target answered with a code of its own.");

export const failureCodes = Object.keys(catalogue) as readonly FailureCode[];

/** The catalogue's entry; integration's for a code that a workflow made up. */
export function meaningOf(code: string): FailureMeaning {
  return isFailureCode(code) ? catalogue[code] : unknownMeaning;
}

function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(catalogue, code);
}

function of(owner: FailureOwner, fixIn: FailureMeaning["fixIn"], meaning: string): FailureMeaning {
  return { owner, fixIn, meaning };
}
