import * as pulumi from "@pulumi/pulumi";
import { Budget } from "@pulumi/azure-native/consumption/budget.js";
import { otherAlerts, toRunbookLink } from "../monitoring/alert-rules.ts";
import type { BudgetConfig } from "../stack-config.ts";
import type { Placement } from "./placement.ts";

export interface SpendingArgs extends Pick<Placement, "nameOf"> {
  readonly config: BudgetConfig;
  readonly resourceGroupId: pulumi.Input<string>;
  readonly actionGroupId: pulumi.Input<string>;
  readonly emails: readonly string[];
  readonly runbookUrl: string;
}

/** Tells people at 80 % of the month's budget, and when the month is likely to end above it. */
export class Spending extends pulumi.ComponentResource {
  constructor(name: string, args: SpendingArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:monitoring:Spending", name, {}, opts);
    const { config } = args;
    const notification = {
      enabled: true,
      operator: "GreaterThan",
      contactEmails: [...args.emails],
      contactGroups: [args.actionGroupId],
    };
    new Budget(
      `${name}-${otherAlerts.budget.name}`,
      {
        budgetName: args.nameOf("budget"),
        scope: args.resourceGroupId,
        category: "Cost",
        amount: config.amount,
        timeGrain: "Monthly",
        timePeriod: { startDate: `${config.from}T00:00:00Z` },
        notifications: {
          spent: { ...notification, threshold: 80, thresholdType: "Actual" },
          expected: { ...notification, threshold: 100, thresholdType: "Forecasted" },
        },
      },
      { parent: this },
    );
    // A budget has no text of its own; the link is where the portal shows the component.
    this.registerOutputs({ runbook: toRunbookLink(args.runbookUrl, otherAlerts.budget.name) });
  }
}
