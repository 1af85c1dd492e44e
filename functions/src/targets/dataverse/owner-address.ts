import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import type { DataverseClient } from "../../dynamics/dataverse-client.ts";
import type { Clock } from "../../platform/clock.ts";
import { createPatientQuestion } from "./patient-question.ts";

const annotation = "Microsoft.Dynamics.CRM.lookuplogicalname";

/**
 * The mail address of whoever owns the customer's account in CE, a user or a team. Null when there is no
 * account, more than one of the number, or an owner without an address. Throws what the client throws, and
 * while CE is away the same without asking.
 */
export function createOwnerAddress(
  client: DataverseClient,
  clock: Clock,
): (event: CanonicalEvent) => Promise<string | null> {
  return createPatientQuestion(async ({ data }: CanonicalEvent) => {
    if (data === undefined) return null;
    const [account, second] = await client.findRows(
      "accounts",
      {
        select: ["accountid", "_ownerid_value"],
        by: ["accountnumber"],
        values: [[data.customer.account]],
      },
      { headers: { prefer: `odata.include-annotations="${annotation}"` } },
    );
    const owner = account?.["_ownerid_value"];
    if (typeof owner !== "string" || second !== undefined) return null;
    const isTeam = account?.[`_ownerid_value@${annotation}`] === "team";
    const [set, column] = isTeam
      ? (["teams", "emailaddress"] as const)
      : (["systemusers", "internalemailaddress"] as const);
    const response = await client.send("GET", `${set}(${owner})?$select=${column}`);
    const address = (JSON.parse(response.body) as Readonly<Record<string, unknown>>)[column];
    return typeof address === "string" && address !== "" ? address : null;
  }, clock);
}
