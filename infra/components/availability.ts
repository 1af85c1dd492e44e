import * as pulumi from "@pulumi/pulumi";
import { WebTest } from "@pulumi/azure-native/applicationinsights/webTest.js";
import { MetricAlert } from "@pulumi/azure-native/monitor/metricAlert.js";
import { otherAlerts, toRunbookLink } from "../monitoring/alert-rules.ts";
import type { Placement } from "./placement.ts";

export interface AvailabilityArgs extends Pick<Placement, "resourceGroupName" | "nameOf" | "tags"> {
  readonly hostName: pulumi.Input<string>;
  readonly applicationInsightsId: pulumi.Input<string>;
  readonly actionGroupId: pulumi.Input<string>;
  readonly runbookUrl: string;
}

/** Places that the door is asked from: https://learn.microsoft.com/azure/azure-monitor/app/availability-standard-tests#azure */
const PLACES = ["emea-nl-ams-azr", "emea-gb-db3-azr", "us-va-ash-azr"] as const;
const FREQUENCY_SECONDS = 900;
/** Days before a certificate ends at which the test fails. */
const CERTIFICATE_DAYS = 14;

/**
 * Asks the HTTPS door's host from outside whether it is well and how long its certificate lasts. Flex
 * Consumption has no health check of its own (docs/decisions/0052).
 */
export class Availability extends pulumi.ComponentResource {
  constructor(name: string, args: AvailabilityArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:monitoring:Availability", name, {}, opts);
    const { applicationInsightsId, nameOf, resourceGroupName, runbookUrl } = args;
    const rule = otherAlerts.certificate;
    const webTestName = nameOf("alert", "ping");
    const test = new WebTest(
      `${name}-test`,
      {
        resourceGroupName,
        webTestName,
        syntheticMonitorId: webTestName,
        webTestKind: "standard",
        kind: "standard",
        enabled: true,
        frequency: FREQUENCY_SECONDS,
        timeout: 30,
        retryEnabled: true,
        locations: PLACES.map((location) => ({ location })),
        request: {
          requestUrl: pulumi.interpolate`https://${args.hostName}/api/health`,
          httpVerb: "GET",
        },
        validationRules: {
          expectedHttpStatusCode: 200,
          sSLCheck: true,
          sSLCertRemainingLifetimeCheck: CERTIFICATE_DAYS,
        },
        // Azure finds a test's component by this tag.
        tags: pulumi
          .output(applicationInsightsId)
          .apply((id) => ({ ...args.tags, [`hidden-link:${id}`]: "Resource" })),
      },
      { parent: this },
    );
    new MetricAlert(
      `${name}-${rule.name}`,
      {
        resourceGroupName,
        ruleName: nameOf("alert", rule.name),
        location: "global",
        description: `${rule.title}. What to do: ${toRunbookLink(runbookUrl, rule.name)}`,
        enabled: true,
        severity: rule.severity,
        scopes: [test.id, applicationInsightsId],
        evaluationFrequency: "PT5M",
        windowSize: "PT30M",
        criteria: {
          odataType: "Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria",
          componentId: applicationInsightsId,
          webTestId: test.id,
          failedLocationCount: 2,
        },
        actions: [{ actionGroupId: args.actionGroupId }],
        tags: args.tags,
      },
      { parent: this },
    );
    this.registerOutputs({});
  }
}
