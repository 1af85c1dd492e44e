import type { AuditLog } from "../../recovery/audit-log.ts";
import type { OperatorRoute } from "../operator-route.ts";
import { allowOnly, readLimit, readText } from "../read-query.ts";

export function createAuditRoutes({
  audit,
}: {
  readonly audit: AuditLog;
}): readonly OperatorRoute[] {
  return [
    {
      method: "GET",
      path: "audit",
      role: "Reader",
      handle: async ({ query }) => {
        allowOnly(query, ["limit", "continuation"]);
        const { entries, ...rest } = await audit.read({
          limit: readLimit(query),
          continuation: readText(query, "continuation"),
        });
        return {
          entries: entries.map((entry) => ({ ...entry, at: new Date(entry.at).toISOString() })),
          ...rest,
        };
      },
    },
  ];
}
