import { appRules } from "./app-rules.ts";
import { dataRules } from "./data-rules.ts";
import { messagingRules } from "./messaging-rules.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { stackRules } from "./stack-rules.ts";

/** All checks, in the order of their numbers. */
export const policyRules: readonly PolicyRule[] = [
  ...messagingRules,
  ...dataRules,
  ...appRules,
  ...stackRules,
];
