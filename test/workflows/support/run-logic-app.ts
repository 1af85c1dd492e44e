import { readFile } from "node:fs/promises";
import { SimulatedClock } from "../../../local/clock.ts";
import type { WorkflowDefinition } from "../../../local/logic-apps/definition.ts";
import type { RunRecord } from "../../../local/logic-apps/run-record.ts";
import { runWorkflow } from "../../../local/logic-apps/run-workflow.ts";
import type { ScriptedHttp } from "./scripted-http.ts";

const root = new URL("../../../logicapps/", import.meta.url);

export async function readDefinition(name: string): Promise<WorkflowDefinition> {
  const text = await readFile(new URL(`${name}/workflow.json`, root), "utf8");
  return (JSON.parse(text) as { readonly definition: WorkflowDefinition }).definition;
}

const parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "invoice-to-crm": {
    crmBaseUrl: "https://crm.example",
    crmTokenUrl: "https://crm.example/services/oauth2/token",
    crmClientId: "client&1",
    crmClientSecretUri: "https://vault.example/secrets/crm",
    identityResourceId: "/identities/crm",
  },
  "invoice-email": {
    acsEndpoint: "https://mail.example/",
    identityResourceId: "/identities/mail",
  },
};

/** Runs one of our Logic Apps against scripted systems; a call that hangs is cut off by its own limit. */
export async function runLogicApp(
  name: "invoice-to-crm" | "invoice-email",
  body: unknown,
  { http }: ScriptedHttp,
): Promise<RunRecord> {
  const clock = new SimulatedClock(Date.UTC(2026, 0, 15));
  const running = runWorkflow(await readDefinition(name), {
    trigger: { name: "manual", body },
    parameters: parameters[name] ?? {},
    http,
    getToken: (identity, audience) =>
      Promise.resolve(`token of ${identity ?? "none"} for ${audience}`),
    clock,
  });
  const state = { isOver: false };
  void running.finally(() => {
    state.isOver = true;
  });
  for (let second = 0; second < 300 && !state.isOver; second += 1) await clock.advance(1000);
  return running;
}
