/**
 * The same rules for Pulumi's engine: `pulumi preview --policy-pack infra/policy`. Most tests run them
 * without it.
 */
import { PolicyPack, type StackValidationPolicy } from "@pulumi/policy";
import { toPolicyStack, type PolicyRule } from "./policy-rule.ts";
import { policyRules } from "./rules.ts";

function toPolicy({ check, link, name, reason }: PolicyRule): StackValidationPolicy {
  return {
    name,
    description: `${reason} ${link}`,
    enforcementLevel: "mandatory",
    validateStack: ({ resources }, report) => {
      const stack = toPolicyStack(resources);
      for (const violation of check(stack)) report(`${violation}. ${reason} ${link}`);
    },
  };
}

new PolicyPack("causeway", { policies: policyRules.map(toPolicy) });
