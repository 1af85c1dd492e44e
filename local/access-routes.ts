import { Hono } from "hono";
import type { RoleAdministration, RoleAssignment } from "./cloud.ts";

/** Looking at role assignments and taking them away: what `az role assignment` does, without the az CLI. */
export function createAccessRoutes(access: RoleAdministration): Hono {
  const app = new Hono();
  app.get("/sim/access", (context) => context.json(access.uses()));
  app.get("/sim/access/refusals", (context) => context.json(access.refusals()));
  app.delete("/sim/access", async (context) => {
    const assignment = await context.req.json<RoleAssignment>();
    access.revoke(assignment);
    return context.body(null, 204);
  });
  app.put("/sim/access", async (context) => {
    access.assign(await context.req.json<RoleAssignment>());
    return context.body(null, 204);
  });
  return app;
}
