import type { MiddlewareHandler } from "hono";

/** What a simulated system was asked: all requests but those below `/sim/`, by the status of their answer. */
interface RequestCounts {
  readonly requests: number;
  readonly byStatus: Readonly<Record<string, number>>;
}

/** Counts requests; `GET /sim/requests` tells them, `DELETE` begins again. */
export function createRequestCounts(): MiddlewareHandler {
  const byStatus = new Map<number, number>();
  const tell = (): RequestCounts => ({
    requests: [...byStatus.values()].reduce((sum, count) => sum + count, 0),
    byStatus: Object.fromEntries(byStatus),
  });
  return async (context, next) => {
    const { method, path } = context.req;
    if (path === "/sim/requests") {
      if (method === "DELETE") byStatus.clear();
      return context.json(tell());
    }
    await next();
    if (path.startsWith("/sim/")) return undefined;
    const { status } = context.res;
    byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
    return undefined;
  };
}
