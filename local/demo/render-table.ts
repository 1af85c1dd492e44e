import pc from "picocolors";
import type { TrackedEvent, TrackedTarget } from "./tracked-event.ts";

const targets = ["ce", "crm", "email"] as const;
const columns = { key: 24, event: 44, target: 22 } as const;

/** Address of each effect for a person to click; by target and reference. */
export type EffectAddress = (target: string, reference: string) => string | undefined;

/** The table event × target as lines; with `links`, a terminal's hyperlinks lie under the times. */
export function renderTable(
  events: readonly TrackedEvent[],
  options: { readonly addressOf: EffectAddress; readonly links: boolean },
): readonly string[] {
  const head = [
    "document".padEnd(columns.key),
    "what".padEnd(columns.event),
    ...targets.map((target) => target.padEnd(columns.target)),
  ].join("");
  return [pc.bold(head), ...events.map((event) => renderRow(event, options))];
}

function renderRow(
  event: TrackedEvent,
  options: { readonly addressOf: EffectAddress; readonly links: boolean },
): string {
  const cells = targets.map((target) => {
    const tracked = event.targets.get(target);
    if (tracked === undefined)
      return (event.expected[target] === undefined ? "–" : "…").padEnd(columns.target);
    const address =
      tracked.reference === null ? undefined : options.addressOf(target, tracked.reference);
    return renderCell(tracked, options.links ? address : undefined);
  });
  return [
    (event.businessKey === "" ? event.businessEventId.slice(0, 20) : event.businessKey).padEnd(
      columns.key,
    ),
    event.name.slice(0, columns.event - 1).padEnd(columns.event),
    ...cells,
  ].join("");
}

function renderCell(tracked: TrackedTarget, address: string | undefined): string {
  const time = tracked.ms === null ? "" : ` ${formatMs(tracked.ms)}`;
  const text = `${tracked.status}${tracked.detail === null ? "" : ` ${tracked.detail}`}${time}`;
  const shown = text.slice(0, columns.target - 1);
  const padding = " ".repeat(columns.target - shown.length);
  const coloured = colourOf(tracked.status)(shown);
  return `${address === undefined ? coloured : hyperlink(coloured, address)}${padding}`;
}

function colourOf(status: string): (text: string) => string {
  if (status === "delivered" || status === "healed") return pc.green;
  if (status === "failed" || status === "discarded") return pc.red;
  return status === "skipped" ? pc.dim : pc.yellow;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** OSC 8, which terminals that do not know it leave out. */
function hyperlink(text: string, address: string): string {
  return `\u001B]8;;${address}\u0007${text}\u001B]8;;\u0007`;
}
