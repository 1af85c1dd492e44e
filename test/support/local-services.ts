import type { LocalServices } from "../../local/cloud.ts";
import { SimulatedClock } from "../../local/clock.ts";

/** 2026-01-15T09:30:00Z: a fixed moment, so that expected times can be literals. */
export const startOfTest = Date.UTC(2026, 0, 15, 9, 30);

/** Services for one local app under test: a clock that stands still, any token "Bearer <principalId>", every role. */
export function localServices(
  overrides: Partial<LocalServices> = {},
): LocalServices & { readonly clock: SimulatedClock } {
  const clock = new SimulatedClock(startOfTest);
  return {
    access: { assign: () => undefined, allows: () => true, assignments: () => [] },
    tokens: {
      verify: (token, audiences) =>
        token === "expired"
          ? Promise.reject(new Error("the token has expired"))
          : Promise.resolve({
              issuer: "https://sts.windows.net/tenant/",
              audience: audiences[0] ?? "",
              principalId: token,
              clientId: token,
              tenantId: "tenant",
            }),
    },
    log: () => undefined,
    ...overrides,
    clock,
  };
}
