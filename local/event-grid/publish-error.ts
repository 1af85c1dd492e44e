import { randomUUID } from "node:crypto";

export type PublishErrorCode =
  "BadRequest" | "Unauthorized" | "NotFound" | "RequestEntityTooLarge" | "UnsupportedMediaType";

/** What `details` names; the message repeats the error's own. */
export type PublishErrorDetail =
  | "InputJsonInvalid"
  | "InvalidCloudEventHeader"
  | "InvalidContentType"
  | "Unauthorized"
  | "NotFound"
  | "RequestEntityTooLarge";

const statuses: Readonly<Record<PublishErrorCode, number>> = {
  BadRequest: 400,
  Unauthorized: 401,
  NotFound: 404,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
};

/** A publish request that is refused as a whole. */
export class PublishError extends Error {
  readonly code: PublishErrorCode;
  readonly detail: PublishErrorDetail;

  constructor(code: PublishErrorCode, detail: PublishErrorDetail, message: string) {
    super(message);
    this.name = "PublishError";
    this.code = code;
    this.detail = detail;
  }
}

/** Event Grid's answer, with the report suffix that every message of it ends in. */
export function toErrorResponse(error: PublishError, nowMs: number): Response {
  const requestId = randomUUID();
  const message = `${error.message} Report '${requestId}:1:${toUsDateTime(nowMs)} (UTC)' to our forums for assistance or raise a support ticket.`;
  return Response.json(
    { error: { code: error.code, message, details: [{ code: error.detail, message }] } },
    { status: statuses[error.code], headers: { "x-ms-request-id": requestId } },
  );
}

/** `M/d/yyyy h:mm:ss AM/PM`, as .NET's en-US culture writes it. */
function toUsDateTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = date.getUTCHours();
  const day = `${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`;
  const time = `${hours % 12 === 0 ? 12 : hours % 12}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${time} ${hours < 12 ? "AM" : "PM"}`;
}
