import { FIND_PARAMETER, savedQueries, type SavedQuery } from "./saved-queries.ts";

export interface WorkbookLinks {
  readonly applicationInsightsId: string;
  readonly runbookUrl: string;
  readonly consoleUrl: string;
}

const DAY_MS = 86_400_000;

/**
 * The workbook as Azure stores it, as text. Its form is undocumented
 * (https://github.com/Microsoft/Application-Insights-Workbooks); only members that its own gallery uses.
 */
export function toWorkbook(links: WorkbookLinks): string {
  return JSON.stringify({
    version: "Notebook/1.0",
    items: [toHeading(links), toParameters(), ...savedQueries.map(toQueryItem)],
    fallbackResourceIds: [links.applicationInsightsId],
    $schema:
      "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json",
  });
}

function toHeading({ consoleUrl, runbookUrl }: WorkbookLinks): object {
  const text =
    "# Causeway\nWhat came in, what got through, what is stuck, how late, which target is ill. " +
    `Find one invoice by number in the [console](${consoleUrl}); what to do about a code or an ` +
    `alert is in the [runbook](${runbookUrl}).`;
  return { type: 1, content: { json: text }, name: "heading" };
}

function toParameters(): object {
  return {
    type: 9,
    name: "parameters",
    content: {
      version: "KqlParameterItem/1.0",
      parameters: [
        {
          version: "KqlParameterItem/1.0",
          name: "Range",
          label: "Time",
          type: 4,
          isRequired: true,
          value: { durationMs: DAY_MS },
          typeSettings: {
            selectableValues: [DAY_MS / 24, DAY_MS, 7 * DAY_MS, 30 * DAY_MS].map((durationMs) => ({
              durationMs,
            })),
          },
        },
        {
          version: "KqlParameterItem/1.0",
          name: FIND_PARAMETER,
          label: "Event id",
          type: 1,
          isRequired: false,
          value: "",
        },
      ],
      queryType: 0,
      resourceType: "microsoft.insights/components",
    },
  };
}

function toQueryItem({ description, name, query, title, visualization }: SavedQuery): object {
  return {
    type: 3,
    name,
    content: {
      version: "KqlItem/1.0",
      query,
      size: 0,
      title: `${title}: ${description}`,
      timeContextFromParameter: "Range",
      queryType: 0,
      resourceType: "microsoft.insights/components",
      visualization,
    },
  };
}
