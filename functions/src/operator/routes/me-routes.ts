import type { OperatorRoute } from "../operator-route.ts";

export function createMeRoutes(): readonly OperatorRoute[] {
  return [
    {
      method: "GET",
      path: "me",
      role: "Reader",
      handle: ({ caller: { name, roles } }) => Promise.resolve({ name, roles }),
    },
  ];
}
