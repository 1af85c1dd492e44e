export interface PlainAnswer {
  readonly statusCode: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * An answer's parts. The one place that knows the light answers of @hono/node-server (2.1.9, pinned) from the
 * inside: they hold status, body and headers under a symbol, and make a whole Response with a stream, five
 * times as dear as all the rest of a call, only when they are read as one. Any other Response is read as such.
 */
export async function readAnswer(response: Response): Promise<PlainAnswer> {
  const { status: statusCode } = response;
  const body = heldBody(response) ?? Buffer.from(await response.arrayBuffer());
  return { statusCode, headers: Object.fromEntries(response.headers), body };
}

function heldBody(response: Response): Buffer | undefined {
  const symbol = Object.getOwnPropertySymbols(response).find(
    ({ description }) => description === "cache",
  );
  const held: unknown = symbol === undefined ? undefined : Reflect.get(response, symbol);
  if (!Array.isArray(held)) return undefined;
  const body: unknown = held[1];
  if (body === null) return Buffer.alloc(0);
  if (typeof body === "string") return Buffer.from(body);
  return body instanceof Uint8Array ? Buffer.from(body) : undefined;
}
