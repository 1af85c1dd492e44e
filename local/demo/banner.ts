import { join, relative } from "node:path";
import pc from "picocolors";
import type { Environment } from "../environment.ts";
import { formatMs } from "./render-table.ts";

export interface BootFigures {
  readonly bootMs: number;
  readonly resourceCount: number;
  readonly residentMb: number;
  /** Where environment.json is. */
  readonly folder: string;
}

/** The addresses of what runs, for a person to open. */
export function renderBanner(environment: Environment, figures: BootFigures): string {
  const rows: readonly (readonly [string, string])[] = [
    ["console", environment.console.url],
    ["F&O", `${environment.finance.baseUrl}/data`],
    ["Dataverse (CE)", `${environment.dataverse.baseUrl}/api/data/v9.2`],
    ["CRM", environment.crm.baseUrl],
    ["mailbox", `${environment.mail.baseUrl}/messages`],
    ["HTTPS door", `${environment.functions.baseUrl}/api/business-events`],
    ["Event Grid", environment.eventGrid.endpoint],
    ["telemetry", `${environment.monitor.baseUrl}/telemetry`],
  ];
  const memory = figures.residentMb === 0 ? "" : `, ${figures.residentMb} MB resident`;
  return [
    `${pc.bold("Causeway")} on a local Azure: ${figures.resourceCount} resources of the Pulumi program, ready in ${formatMs(figures.bootMs)}${memory}`,
    ...rows.map(([name, address]) => `  ${name.padEnd(16)}${pc.cyan(address)}`),
    `  ${"everything else".padEnd(16)}${join(relative(process.cwd(), figures.folder), "environment.json")}`,
    "",
    "",
  ].join("\n");
}
