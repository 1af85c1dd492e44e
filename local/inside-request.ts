export interface RequestParts {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/**
 * A request that stays in this process. What services ask of one is answered from its parts; whatever else is
 * asked, by a whole Request that is made only then: that costs, with its streams and signals, several times
 * what answering does.
 */
export function createInsideRequest(parts: RequestParts): Request {
  return new InsideRequest(parts) as unknown as Request;
}

class InsideRequest {
  readonly url: string;
  readonly method: string;
  readonly #parts: RequestParts;
  #headers: Headers | undefined;
  #whole: Request | undefined;

  constructor(parts: RequestParts) {
    // As Request has it: of `http://host` it makes `http://host/`.
    this.url = /^https?:\/\/[^/?#]+\/[^#]*$/.test(parts.url) ? parts.url : new URL(parts.url).href;
    this.method = parts.method;
    this.#parts = parts;
  }

  get headers(): Headers {
    return (this.#headers ??= new Headers(this.#parts.headers));
  }

  text(): Promise<string> {
    return Promise.resolve(this.#parts.body?.toString("utf8") ?? "");
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text()) as unknown;
  }

  arrayBuffer(): Promise<ArrayBuffer> {
    const { body } = this.#parts;
    const bytes = new Uint8Array(body?.byteLength ?? 0);
    if (body !== undefined) bytes.set(body);
    return Promise.resolve(bytes.buffer);
  }

  whole(): Request {
    const { url, method, headers, body } = this.#parts;
    return (this.#whole ??= new Request(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    }));
  }
}

for (const [name, { value }] of Object.entries(
  Object.getOwnPropertyDescriptors(Request.prototype),
)) {
  if (name in InsideRequest.prototype || name === "url" || name === "method") continue;
  const isMethod = typeof value === "function";
  Object.defineProperty(InsideRequest.prototype, name, {
    get(this: InsideRequest): unknown {
      const whole = this.whole();
      const member: unknown = Reflect.get(whole, name);
      return isMethod ? (member as () => unknown).bind(whole) : member;
    },
  });
}
// Whoever asks whether it is a Request is told so.
Object.setPrototypeOf(InsideRequest.prototype, Request.prototype);
