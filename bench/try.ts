import { join } from "node:path";
import { buildIfChanged } from "../scripts/build-if-changed.ts";
import { liftBudgets } from "./bench-package.ts";
import { bundleProcess } from "./bundle-process.ts";
import { startBenchAzure } from "./start-bench-azure.ts";
import { postEvents } from "./post-events.ts";
import { connectTargets, targets, watchEffects } from "./watch-effects.ts";
import { checkEffects } from "./check-effects.ts";
import { measureProcess } from "./measure-processes.ts";
import { callJson } from "./call-json.ts";

const n = Number(process.argv[2] ?? 1000);
const folder = process.argv[3] ?? ".local/bench-run";
const only = (process.argv[4] ?? "ce,crm,email").split(",") as (typeof targets)[number][];
const door = process.argv[5] ?? "eventGrid";
const prof = process.env["PROF"];
const built = await buildIfChanged({ outDir: ".local/build" });
const zip = await liftBudgets(built.zip, ".local/bench/functions.zip").catch(async () => { await import("node:fs/promises").then((fs) => fs.mkdir(".local/bench", { recursive: true })); return liftBudgets(built.zip, ".local/bench/functions.zip"); });
const file = await bundleProcess("bench/local-azure-process.ts", "local-azure.mjs");
const live = { ce: { mode: "live" }, crm: { mode: only.includes("crm") ? "live" : "off" }, email: { mode: only.includes("email") ? "live" : "off", allowedRecipientDomains: ["*"] } };
const azure = await startBenchAzure(file, { folder: join(process.cwd(), folder), functionsPackage: join(process.cwd(), zip), load: { dataverseLimits: false, mailQuota: false, targets: live, queues: ["bare"], nodeArgs: prof ? ["--cpu-prof", `--cpu-prof-dir=${prof}`, "--cpu-prof-interval=500"] : [] }, execArgv: prof ? ["--cpu-prof", `--cpu-prof-dir=${prof}`, "--cpu-prof-interval=500"] : [] });
try {
  console.log("ready");
  // warm
  await postEvents(azure.environment.finance.baseUrl, 40, { door, onProgress: () => undefined });
  await watchEffects(azure.environment, { wanted: 40, only, patienceMs: 30000, onProgress: () => undefined });
  await new Promise((r) => setTimeout(r, 2500));
  const use = async () => Object.fromEntries(await Promise.all(Object.entries(azure.processes).map(async ([k, v]) => [k, await measureProcess(v)] as const)));
  const before = await use(); const tb = await azure.tableRequests();
  const rb = (await callJson(`${azure.environment.dataverse.baseUrl}/sim/requests`)) as any;
  const t0 = Date.now();
  const posting = postEvents(azure.environment.finance.baseUrl, n, { door, onProgress: () => undefined });
  const [posted] = await Promise.all([posting, watchEffects(azure.environment, { wanted: n + 40, only, patienceMs: 40000, onProgress: (c) => { if (process.env["V"]) console.log(Date.now() - t0, JSON.stringify(c)); } })]);
  let t = await azure.tableRequests();
  for (;;) { await new Promise((r) => setTimeout(r, 1500)); const u = await azure.tableRequests(); if (u - t < 5) break; t = u; }
  const after = await use(); const ta = await azure.tableRequests();
  const ra = (await callJson(`${azure.environment.dataverse.baseUrl}/sim/requests`)) as any;
  const read = connectTargets(azure.environment);
  for (const name of only) {
    const c = checkEffects(posted, await read[name](0));
    console.log(name, JSON.stringify(c.latencyMs), "lost", c.lost, "doubled", c.doubled, "unknown", c.unknown, "rate/s", Math.round(n / ((c.lastAt - t0) / 1000)));
  }
  console.log("posting took", Math.max(...posted.map((p) => p.sentAt)) - t0, "ms");
  console.log("CE requests", ra.requests - rb.requests, "per 1000", ((ra.requests - rb.requests) / n * 1000).toFixed(1), JSON.stringify(ra.byStatus));
  console.log("table requests", ta - tb, "per event and target", ((ta - tb) / n / only.length).toFixed(2));
  let total = 0;
  for (const [k, v] of Object.entries(after) as any) { const cpu = v.cpuSeconds - (before as any)[k].cpuSeconds; total += cpu; console.log(k, "cpu ms/event", (cpu / n * 1000).toFixed(2), "resident", v.residentMb, "peak", v.peakMb); }
  console.log("total cpu ms/event", (total / n * 1000).toFixed(2));
} finally { await azure.close(); }
process.exit(0);
