import type { MiddlewareHandler } from "hono";

/** A page that this machine served itself. */
export function isLoopbackOrigin(origin: string): boolean {
  return /^https?:\/\/(127\.0\.0\.1|localhost)(:\d+)?$/.test(origin);
}

/**
 * Lets the console, which another port of this machine serves, use the switches of a simulated system
 * (`/sim/…`). Other sites' pages are refused by the browser: they get no permission.
 */
export const allowLoopbackPages: MiddlewareHandler = async (context, next) => {
  const origin = context.req.header("origin") ?? "";
  if (!context.req.path.startsWith("/sim/") || !isLoopbackOrigin(origin)) return next();
  if (context.req.method === "OPTIONS") {
    return context.body(null, 204, {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": "GET, POST, PUT, DELETE",
      "access-control-allow-headers": "content-type",
      "access-control-max-age": "600",
    });
  }
  await next();
  context.res.headers.set("access-control-allow-origin", origin);
  return undefined;
};
