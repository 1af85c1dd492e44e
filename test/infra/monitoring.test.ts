import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import type { AzureReader } from "../../cli/doctor/azure-reader.ts";
import { examine } from "../../cli/doctor/findings.ts";
import {
  telemetryDimensions,
  telemetryEvents,
  telemetryMetrics,
} from "../../functions/src/platform/telemetry-catalogue.ts";
import { alertNames, createLogAlerts, toRunbookLink } from "../../infra/monitoring/alert-rules.ts";
import { metricAlerts } from "../../infra/monitoring/metric-alerts.ts";
import { savedQueries } from "../../infra/monitoring/saved-queries.ts";
import { toWorkbook } from "../../infra/monitoring/workbook.ts";
import { toWorkspaceQuery } from "../../infra/monitoring/workspace-query.ts";
import { captureStack, type CapturedStack } from "./capture-stack.ts";
import { everythingOn } from "./usual-stacks.ts";

/** https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete, columns that queries may name. */
const tables: Readonly<Record<string, readonly string[]>> = {
  customEvents: ["timestamp", "name", "customDimensions", "customMeasurements", "operation_Id"],
  customMetrics: [
    "timestamp",
    "name",
    "value",
    "valueCount",
    "valueMin",
    "valueMax",
    "customDimensions",
  ],
  exceptions: ["timestamp", "type", "customDimensions", "operation_Id"],
};
/** Words of the query language that our queries use. */
const words =
  /^(and|or|in|by|let|on|kind|where|summarize|extend|project|join|order|asc|desc|bin|count|dcount|sum|min|max|arg_max|ago|tostring|todouble|tolower|percentiles|leftanti|dayofweek|now|between|countif|isnull|h|m|d)$/;

/** What `causeway doctor` asks. */
async function readDoctorQueries(): Promise<readonly { name: string; query: string }[]> {
  const asked: string[] = [];
  const azure: AzureReader = {
    get: () => Promise.resolve({}),
    list: () => Promise.resolve([]),
    ask: () => Promise.resolve({ status: 200, body: "" }),
    query: (_id, query) => {
      asked.push(query);
      return Promise.resolve([]);
    },
  };
  await examine(azure, { appId: "app", insightsId: "insights", appUrl: "https://app" });
  return asked.map((query, index) => ({ name: `doctor-${index + 1}`, query }));
}

const queries = [
  ...createLogAlerts({ oldestUndeliveredMinutes: 60 }),
  ...savedQueries,
  ...(await readDoctorQueries()),
] as readonly { readonly name: string; readonly query: string }[];

/** Names that a query makes itself: `x = …` and `let x`. */
function ownNames(query: string): ReadonlySet<string> {
  return new Set([...query.matchAll(/\b(\w+)\s*=(?![=~])/g)].map(([, name = ""]) => name));
}

/** Every bare word that is neither language, nor a table, nor one of its columns, nor the query's own. */
function unknownWords(query: string): readonly string[] {
  const bare = query.replace(/"[^"]*"/g, " ").replace(/\{\w+\}/g, " ");
  const used = [...new Set(bare.match(/\b[A-Za-z_]\w*\b/g) ?? [])];
  const from = Object.keys(tables).filter((table) => used.includes(table));
  const known = new Set([
    ...from,
    ...from.flatMap((table) => tables[table] ?? []),
    ...ownNames(query),
  ]);
  return used.filter((word) => !known.has(word) && !words.test(word));
}

function toldBy(query: string): readonly { readonly dimensions: readonly string[] }[] {
  const told: Readonly<Record<string, { readonly dimensions: readonly string[] }>> = {
    ...telemetryEvents,
    ...telemetryMetrics,
  };
  return [...query.matchAll(/name == "([^"]+)"/g)].map(([, name = ""]) => {
    const found = told[name];
    if (found === undefined) throw new Error(`Nothing tells ${name}.`);
    return found;
  });
}

describe.each(queries.map(({ name, query }) => [name, query] as const))(
  "query %s",
  (_name, query) => {
    it("names only tables and columns that Application Insights has", () => {
      expect(unknownWords(query)).toEqual([]);
    });

    it("asks only for events, metrics and dimensions that the function app tells", () => {
      const told = toldBy(query);
      const asked = [...query.matchAll(/customDimensions\["(\w+)"\]/g)].map(
        ([, name = ""]) => name,
      );
      const known = new Set([
        ...told.flatMap(({ dimensions }) => dimensions),
        // Without a name the question goes to every event.
        ...(told.length === 0 ? Object.keys(telemetryDimensions) : []),
      ]);

      expect(asked.filter((name) => !known.has(name))).toEqual([]);
      expect(told.length > 0 || !query.includes("customMetrics")).toBe(true);
    });

    it("has a translation for the workspace without a word of Application Insights left", () => {
      const translated = toWorkspaceQuery(query).replace(/"[^"]*"/g, "");

      expect(translated).not.toMatch(
        /\b(customEvents|customMetrics|timestamp|customDimensions|valueMax)\b/,
      );
    });
  },
);

describe("the checks of queries", () => {
  it("find a column and a dimension that do not exist", () => {
    expect(unknownWords("customEvents | where nmae == 1")).toEqual(["nmae"]);
    expect(() => toldBy('customEvents | where name == "delivry"')).toThrow(
      "Nothing tells delivry.",
    );
  });
});

describe("alerts", () => {
  let stack: CapturedStack;
  const runbookUrl = "https://github.com/contoso/causeway/blob/main/docs/runbook.md";

  beforeAll(async () => {
    stack = await captureStack("prod", everythingOn);
  });

  it("are all made, each with a link to its section in the runbook and with people behind it", () => {
    const made = [
      ...stack.of("monitor:ScheduledQueryRule"),
      ...stack.of("monitor:MetricAlert"),
      ...stack.of("monitor:ActivityLogAlert"),
      ...stack.of("eventgrid:SystemTopicEventSubscription"),
    ];
    const texts = made.map(({ inputs }) => JSON.stringify(inputs));
    const missing = alertNames()
      .filter((name) => name !== "budget")
      .filter(
        (name) => !texts.some((text) => text.includes(`${toRunbookLink(runbookUrl, name)}"`)),
      );

    expect(missing).toEqual([]);
    expect(texts.filter((text) => !text.includes("/actionGroups/ag-causeway-prod"))).toEqual([]);
    expect(stack.of("consumption:Budget")).toHaveLength(1);
    expect(stack.of("monitor:ActionGroup").map(({ inputs }) => inputs["emailReceivers"])).toEqual([
      [
        {
          name: "causeway-duty@contoso.example",
          emailAddress: "causeway-duty@contoso.example",
          useCommonAlertSchema: true,
        },
      ],
    ]);
  });

  it("ask for windows that Azure takes", () => {
    const allowed = /^(PT5M|PT10M|PT15M|PT30M|PT45M|PT1H|PT2H|PT3H|PT4H|PT5H|PT6H|P1D|P2D)$/;
    const durations = [
      ...createLogAlerts({ oldestUndeliveredMinutes: 60 }),
      ...metricAlerts,
    ].flatMap(({ every, window }) => [every, window]);

    expect(durations.filter((duration) => !allowed.test(duration))).toEqual([]);
  });

  it("have each their section in the runbook, and the runbook has no other", () => {
    const runbook = readFileSync(join(import.meta.dirname, "../../docs/runbook.md"), "utf8");
    const chapter = runbook.split(/^## Alerts$/m)[1]?.split(/^## /m)[0] ?? "";
    const sections = [...chapter.matchAll(/^#### alert-(\S+)$/gm)].map(([, name = ""]) => name);
    const labels = ["**Means**", "**Check**", "**Do**", "**Do not**"];
    const incomplete = chapter
      .split(/^#### /m)
      .slice(1)
      .filter((section) => !labels.every((label) => section.includes(label)));

    expect([...sections].sort()).toEqual([...alertNames()].sort());
    expect(incomplete).toEqual([]);
  });
});

describe("the workbook", () => {
  it("shows every saved query over the time that the reader chooses", () => {
    const links = {
      applicationInsightsId: "/id",
      consoleUrl: "https://c",
      runbookUrl: "https://r",
    };
    const { items } = JSON.parse(toWorkbook(links)) as {
      readonly items: readonly {
        readonly type: number;
        readonly content: { readonly query?: string };
      }[];
    };

    expect(items.flatMap(({ content }) => content.query ?? [])).toEqual(
      savedQueries.map(({ query }) => query),
    );
  });
});
