import * as pulumi from "@pulumi/pulumi";
import { Workbook } from "@pulumi/azure-native/applicationinsights/workbook.js";
import { SavedSearch } from "@pulumi/azure-native/operationalinsights/savedSearch.js";
import { v5 as uuidv5 } from "uuid";
import { FIND_PARAMETER, savedQueries } from "../monitoring/saved-queries.ts";
import { toWorkspaceQuery } from "../monitoring/workspace-query.ts";
import { toWorkbook } from "../monitoring/workbook.ts";
import type { Placement } from "./placement.ts";

export interface InsightArgs extends Pick<Placement, "resourceGroupName" | "nameOf" | "tags"> {
  readonly applicationInsightsId: pulumi.Input<string>;
  readonly workspaceName: pulumi.Input<string>;
  readonly runbookUrl: string;
  readonly consoleUrl: pulumi.Input<string>;
}

/** Azure names workbooks by GUIDs; made from our name, it stays over deployments. */
const NAMES = "0d7a3c84-6a5f-4f0e-a5a4-2b1f5e6c7d90";

/** The workbook and the saved queries: what people look at without asking anybody. */
export class Insight extends pulumi.ComponentResource {
  readonly workbookId: pulumi.Output<string>;

  constructor(name: string, args: InsightArgs, opts?: pulumi.ComponentResourceOptions) {
    super("causeway:monitoring:Insight", name, {}, opts);
    const { nameOf, resourceGroupName, tags } = args;
    const serializedData = pulumi
      .all([args.applicationInsightsId, args.consoleUrl])
      .apply(([applicationInsightsId, consoleUrl]) =>
        toWorkbook({ applicationInsightsId, consoleUrl, runbookUrl: args.runbookUrl }),
      );
    const workbook = new Workbook(
      `${name}-workbook`,
      {
        resourceGroupName,
        resourceName: uuidv5(nameOf("workbook"), NAMES),
        kind: "shared",
        category: "workbook",
        displayName: "Causeway",
        version: "Notebook/1.0",
        sourceId: args.applicationInsightsId,
        serializedData,
        tags,
      },
      { parent: this },
    );
    this.workbookId = workbook.id;
    this.#saveQueries(name, args);
    this.registerOutputs({ workbookId: this.workbookId });
  }

  #saveQueries(name: string, { resourceGroupName, workspaceName }: InsightArgs): void {
    for (const query of savedQueries) {
      new SavedSearch(
        `${name}-query-${query.name}`,
        {
          resourceGroupName,
          workspaceName,
          savedSearchId: `causeway-${query.name}`,
          category: "Causeway",
          displayName: query.title,
          query: toWorkspaceQuery(query.query).replace(
            `{${FIND_PARAMETER}}`,
            "put the event's id here",
          ),
        },
        { parent: this },
      );
    }
  }
}
