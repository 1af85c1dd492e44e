/** The flat business event found inside whatever carried it, or why there is none. */
export interface Unwrapped {
  readonly event: Readonly<Record<string, unknown>> | undefined;
  readonly door: string | null;
  readonly problem: string;
}

/** Event Grid around Dataverse around the event as text: three layers, each may be text again. */
const maxDepth = 8;

/**
 * Accepted: the flat event; an Event Grid event (alone or as the one element of a list) with it as
 * object or text; a Dataverse RemoteExecutionContext around either; our own door's
 * `{door, body}` around any of them. Text is read with ControlNumber kept exact.
 */
export function unwrapBusinessEvent(raw: unknown): Unwrapped {
  return unwrap(raw, null, 0);
}

function unwrap(raw: unknown, door: string | null, depth: number): Unwrapped {
  const none = (problem: string): Unwrapped => ({ event: undefined, door, problem });
  if (depth > maxDepth) return none("the body is wrapped too many times");
  if (raw instanceof Uint8Array) {
    return unwrap(Buffer.from(raw).toString("utf8"), door, depth + 1);
  }
  if (typeof raw === "string") {
    const value = parseKeepingInt64(raw);
    return value === undefined ? none("the body is not JSON") : unwrap(value, door, depth + 1);
  }
  if (Array.isArray(raw)) {
    return raw.length === 1
      ? unwrap(raw[0], door, depth + 1)
      : none(`the body is a list of ${raw.length} events; one was expected`);
  }
  if (typeof raw !== "object" || raw === null) return none("the body is not a JSON object");
  const value = raw as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(value, "BusinessEventId")) return { event: value, door, problem: "" };
  if (typeof value["door"] === "string" && "body" in value) {
    return unwrap(value["body"], value["door"], depth + 1);
  }
  if ("InputParameters" in value) return unwrapContext(value, door, depth + 1);
  if ("data" in value && ("eventType" in value || "type" in value)) {
    return unwrap(value["data"], door, depth + 1);
  }
  return none("the body is no business event: BusinessEventId is missing");
}

/**
 * Where Dataverse puts a classic business event is not documented: it may be a parameter's value, text
 * in one, an entity's attributes, or the parameters themselves may be its members.
 */
function unwrapContext(
  context: Readonly<Record<string, unknown>>,
  door: string | null,
  depth: number,
): Unwrapped {
  const parameters = toRecord(context["InputParameters"]);
  if (Object.hasOwn(parameters, "BusinessEventId")) {
    return { event: parameters, door, problem: "" };
  }
  for (const value of Object.values(parameters)) {
    const inner = unwrapParameter(value, door, depth);
    if (inner?.event !== undefined) return inner;
  }
  const problem = "the Dataverse message holds no business event";
  return { event: undefined, door, problem };
}

function unwrapParameter(
  value: unknown,
  door: string | null,
  depth: number,
): Unwrapped | undefined {
  if (typeof value === "object" && value !== null && "Attributes" in value) {
    return unwrap(toRecord(value.Attributes), door, depth + 1);
  }
  const isText = typeof value === "string" && /^\s*["[{]/.test(value);
  const isObject = typeof value === "object" && value !== null;
  return isText || isObject ? unwrap(value, door, depth + 1) : undefined;
}

/** Pairs as `{key, value}` or `{Key, Value}` (producers differ), or an object already. */
function toRecord(pairs: unknown): Readonly<Record<string, unknown>> {
  if (!Array.isArray(pairs)) {
    return typeof pairs === "object" && pairs !== null ? (pairs as Record<string, unknown>) : {};
  }
  const record: Record<string, unknown> = {};
  for (const pair of pairs as readonly unknown[]) {
    if (typeof pair !== "object" || pair === null) continue;
    const { key, Key, value, Value } = pair as Record<string, unknown>;
    const name = key ?? Key;
    if (typeof name === "string" && name !== "__proto__") record[name] = value ?? Value;
  }
  return record;
}

/**
 * JSON.parse rounds numbers beyond 2^53 without a word, so the one int64 member becomes text before it
 * is parsed. A quote inside a JSON string always follows a backslash: the pattern cannot match there.
 */
function parseKeepingInt64(text: string): unknown {
  const exact = text.replace(/((?<!\\)"ControlNumber"\s*:\s*)(-?\d{16,})(?=\s*[,}])/g, '$1"$2"');
  try {
    return JSON.parse(exact.replace(/^\uFEFF/, "")) as unknown;
  } catch {
    return undefined;
  }
}
