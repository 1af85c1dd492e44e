import type { AzureReader } from "./azure-reader.ts";

/** One thing that was looked at in the deployed stack. */
export interface Finding {
  /** What was looked at, as a sentence that is true when all is well. */
  readonly check: string;
  readonly result: "ok" | "wrong" | "unknown";
  /** What was seen instead. */
  readonly seen?: string;
  /** What to do; on every finding that is not ok. */
  readonly fix?: string;
}

export interface DeployedStack {
  /** ARM id of the function app. */
  readonly appId: string;
  /** ARM id of the Application Insights component. */
  readonly insightsId: string;
  /** Address of the function app. */
  readonly appUrl: string;
}

interface Look<Reader, Stack> {
  readonly check: string;
  readonly fix: string;
  /** What is wrong; undefined when nothing is. */
  readonly look: (azure: Reader, stack: Stack) => Promise<string | undefined>;
}

/** Looks at everything in Azure; one look that cannot be made does not keep the others from it. */
export async function examine(
  azure: AzureReader,
  stack: DeployedStack,
): Promise<readonly Finding[]> {
  return Promise.all(
    [...looks, health].map((each) =>
      examineOne(each, azure, stack, "sign in as somebody who may read the stack's resource group"),
    ),
  );
}

/** What the app says of itself: for a stack of which only the app's address is known. */
export function examineApp(azure: Pick<AzureReader, "ask">, appUrl: string): Promise<Finding> {
  return examineOne(health, azure, { appUrl }, "see that the address can be reached from here");
}

async function examineOne<Reader, Stack>(
  { check, fix, look }: Look<Reader, Stack>,
  azure: Reader,
  stack: Stack,
  whenUnknown: string,
): Promise<Finding> {
  try {
    const seen = await look(azure, stack);
    return seen === undefined ? { check, result: "ok" } : { check, result: "wrong", seen, fix };
  } catch (error) {
    const seen = error instanceof Error ? error.message : String(error);
    return { check, result: "unknown", seen, fix: whenUnknown };
  }
}

const health: Look<Pick<AzureReader, "ask">, Pick<DeployedStack, "appUrl">> = {
  check: "The function app says that it is well (/api/health)",
  fix: "go to the codes' sections in docs/runbook.md; a closed app answers operator.allowedAddresses and the stack's own network only",
  look: async (azure, { appUrl }) => {
    const { body, status } = await azure.ask(`${appUrl}/api/health`);
    if (status === 403) return "it is closed to this machine";
    return toSick(status, body);
  },
};

const looks: readonly Look<AzureReader, DeployedStack>[] = [
  {
    check: "Every resource of the stack is deployed",
    fix: "pulumi up again; its message names what Azure refused",
    look: async (azure, stack) => {
      const group = groupOf(stack.appId);
      const resources = await azure.list(`${group}/resources`, "2021-04-01", "provisioningState");
      return toList(
        resources
          .filter(({ provisioningState }) => provisioningState === "Failed")
          .map(({ name }) => String(name)),
      );
    },
  },
  {
    check: "The function app runs",
    fix: "start it in the portal",
    look: async (azure, { appId }) => {
      const app = await azure.get(appId, "2024-04-01");
      const state = String((app["properties"] as Record<string, unknown> | undefined)?.["state"]);
      return state === "Running" ? undefined : `it is ${state}`;
    },
  },
  {
    check: "The code is there",
    fix: "npm run build, pulumi up; if it stays so, Application Insights > Failures says why it does not start",
    look: async (azure, { appId }) => {
      const functions = await azure.list(`${appId}/functions`, "2024-04-01");
      const names = functions.map(({ name }) => String(name).split("/").pop() ?? "");
      return toList(
        EXPECTED_FUNCTIONS.filter((name) => !names.includes(name)).map((name) => `no ${name}`),
      );
    },
  },
  {
    check: "Event Grid may deliver to the queue",
    fix: "pulumi up again; roles of the identity event-grid must be there before its subscription",
    look: async (azure, { appId }) => {
      const topics = await azure.list(
        `${groupOf(appId)}/providers/Microsoft.EventGrid/topics`,
        "2022-06-15",
      );
      const subscriptions = await Promise.all(
        topics.map(({ id }) => azure.list(`${String(id)}/eventSubscriptions`, "2022-06-15")),
      );
      return toList(
        subscriptions
          .flat()
          .filter(
            ({ properties }) =>
              (properties as Record<string, unknown> | undefined)?.["provisioningState"] !==
              "Succeeded",
          )
          .map(({ name }) => String(name)),
      );
    },
  },
  {
    check: "F&O has sent its test message (last 30 days)",
    fix: "docs/connect-fno.md, then Send test message in F&O's endpoint form",
    look: async (azure, { insightsId }) => {
      const rows = await azure.query(
        insightsId,
        `customEvents | where timestamp > ago(30d) and name == "endpointTest" | summarize events = count()`,
      );
      return Number(rows[0]?.["events"] ?? 0) > 0 ? undefined : "none has come";
    },
  },
  {
    check: "The built-in probe gets through every target (last hour)",
    fix: "go to the code's section in docs/runbook.md",
    look: async (azure, { insightsId }) => {
      const rows = await azure.query(
        insightsId,
        `customEvents | where timestamp > ago(1h) and name == "probe" | extend target = tostring(customDimensions["target"]), result = tostring(customDimensions["result"]), code = tostring(customDimensions["code"]) | summarize arg_max(timestamp, result, code) by target`,
      );
      if (rows.length === 0) return "no probe has been told of";
      return toList(
        rows
          .filter(({ result }) => result !== "ok")
          .map(({ code, target }) => `${String(target)}: ${String(code)}`),
      );
    },
  },
  {
    check: "Every identity is let in by F&O, CE and the CRM (last hour)",
    fix: "steps 6 and 7 of docs/deploy.md let the app into F&O and CE; the code's section says the rest",
    look: async (azure, { insightsId }) => {
      const rows = await azure.query(
        insightsId,
        `customEvents | where timestamp > ago(1h) and name == "delivery" | extend code = tostring(customDimensions["why"]) | where code in (${REFUSALS.map((code) => `"${code}"`).join(", ")}) | summarize deliveries = count() by code`,
      );
      return toList(rows.map(({ code, deliveries }) => `${String(code)} × ${String(deliveries)}`));
    },
  },
  {
    check: "The timer functions run (last half hour)",
    fix: "docs/runbook.md, alert-sweep-silent",
    look: async (azure, { insightsId }) => {
      const rows = await azure.query(
        insightsId,
        `customEvents | where timestamp > ago(30m) and name == "sweep" | summarize sweeps = count()`,
      );
      return Number(rows[0]?.["sweeps"] ?? 0) > 0 ? undefined : "no sweep has been told of";
    },
  },
];

interface SickPart {
  readonly part: string;
  readonly code: string;
}

function toSick(status: number, body: string): string | undefined {
  try {
    const { parts } = JSON.parse(body) as { readonly parts: readonly SickPart[] };
    return toList(parts.map(({ code, part }) => `${part}: ${code}`));
  } catch {
    return `it answered ${status} and no health`;
  }
}

const EXPECTED_FUNCTIONS = ["business-events-door", "intake", "record-failure", "sweep"] as const;

/** Codes that say: this identity may not, or its secret is wrong. */
const REFUSALS = [
  "FINANCE_UNAUTHORIZED",
  "CE_DENIED",
  "CRM_UNAUTHORIZED",
  "CRM_TOKEN_REFUSED",
  "CRM_SECRET_UNAVAILABLE",
  "CRM_WORKFLOW_REFUSED",
  "MAIL_UNAUTHORIZED",
  "MAIL_WORKFLOW_REFUSED",
  "TOKEN_UNAVAILABLE",
] as const;

function groupOf(resourceId: string): string {
  return resourceId.split("/").slice(0, 5).join("/");
}

function toList(items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : items.join(", ");
}
