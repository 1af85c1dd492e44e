import type { Environment } from "../environment.ts";
import type { EffectAddress } from "./render-table.ts";

/** Where a person sees an effect: the simulated systems' own read pages, which need no sign-in. */
export function createEffectAddress(environment: Environment): EffectAddress {
  return (target, reference) => {
    const id = encodeURIComponent(reference);
    switch (target) {
      case "ce":
        return `${environment.dataverse.baseUrl}/main.aspx?etn=invoice&id=${id}`;
      case "crm":
        return `${environment.crm.baseUrl}/sim/records/Invoice__c/${id}`;
      case "email":
        return `${environment.mail.baseUrl}/messages/${id}/html`;
      default:
        return undefined;
    }
  };
}
