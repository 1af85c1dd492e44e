import type { Environment } from "../environment.ts";
import type { EffectAddress } from "./render-table.ts";

/** Where a person sees an effect: the simulated systems' own read pages, which need no sign-in. */
export function createEffectAddress(environment: Environment): EffectAddress {
  return (target) => {
    switch (target) {
      case "ce":
        return `${environment.dataverse.baseUrl}/sim/rows/invoice`;
      case "crm":
        return `${environment.crm.baseUrl}/sim/records/Invoice__c`;
      case "email":
        return `${environment.mail.baseUrl}/messages`;
      default:
        return undefined;
    }
  };
}
