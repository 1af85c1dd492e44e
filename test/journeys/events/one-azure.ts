import type { FailureRow } from "../../support/journey-world.ts";
import { useLocalAzure } from "../../support/use-local-azure.ts";

/** For all files of this folder, whose tests are about documents of their own and leave no fault behind. */
export const local = useLocalAzure("journey-events");

export const everywhere = {
  intake: "published",
  ce: "delivered",
  crm: "delivered",
  email: "delivered",
};

/** By what their body holds, or by EventId. */
export async function failuresAbout(text: string): Promise<readonly FailureRow[]> {
  const all = await local.world.failures();
  return all.filter(({ body, eventId }) => body.includes(text) || eventId === text);
}
