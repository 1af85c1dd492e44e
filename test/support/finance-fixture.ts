import type { Hono } from "hono";
import { SimulatedClock } from "../../local/clock.ts";
import type { LocalServices } from "../../local/cloud.ts";
import { createFinanceApp } from "../../local/finance/create-finance-app.ts";
import type { FinanceApp, FinanceOptions } from "../../local/finance/create-finance-app.ts";

interface SentEvent {
  readonly door: "eventGrid" | "serviceBus" | "https";
  readonly secret: string;
  readonly text: string;
}

export interface FinanceFixture extends FinanceApp {
  readonly clock: SimulatedClock;
  readonly sent: SentEvent[];
  readonly log: string[];
  /** Reads OData with a good token. */
  readonly get: (path: string) => Promise<Response>;
  readonly rows: (path: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Calls /sim and reads the answer. */
  readonly sim: (method: string, path: string, body?: unknown) => Promise<Response>;
}

/** A simulated F&O on 2026-11-24T08:30:25.418Z with an Event Grid endpoint; nothing of it leaves the test. */
export function createFinanceFixture(options: Partial<FinanceOptions> = {}): FinanceFixture {
  const clock = new SimulatedClock(Date.parse("2026-11-24T08:30:25.418Z"));
  const sent: SentEvent[] = [];
  const log: string[] = [];
  const take =
    (door: SentEvent["door"]) =>
    (_: unknown, secret: string, { text }: { readonly text: string }): Promise<void> => {
      sent.push({ door, secret, text });
      return Promise.resolve();
    };
  const finance = createFinanceApp(toServices(clock, log), {
    baseUrl: () => "https://finance.example",
    senders: {
      eventGrid: take("eventGrid"),
      serviceBus: take("serviceBus"),
      https: take("https"),
    },
    random: () => 0.5,
    ...options,
  });
  finance.registerApplication("causeway");
  finance.configureEndpoints([
    { name: "grid", type: "eventGrid", url: "http://127.0.0.1/api/events", key: "key" },
  ]);
  const { app } = finance;
  const get = (path: string): Promise<Response> => request(app, "GET", path);
  return {
    ...finance,
    clock,
    sent,
    log,
    get,
    rows: async (path) => ((await (await get(path)).json()) as { value: [] }).value,
    sim: (method, path, body) => request(app, method, path, body),
  };
}

async function request(app: Hono, method: string, path: string, body?: unknown): Promise<Response> {
  return app.request(path, {
    method,
    headers: { authorization: "Bearer causeway" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Takes the client id as the token. */
function toServices(clock: SimulatedClock, log: string[]): LocalServices {
  return {
    clock,
    access: { assign: () => undefined, allows: () => true, assignments: () => [] },
    tokens: {
      verify: (token, audiences) =>
        token === "forged"
          ? Promise.reject(new Error("signature"))
          : Promise.resolve({
              issuer: "https://sts.windows.net/t/",
              audience: audiences[0] ?? "",
              principalId: token,
              clientId: token,
              tenantId: "t",
            }),
    },
    log: (line) => void log.push(line),
  };
}
