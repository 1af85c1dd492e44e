import { parseArgs } from "node:util";

export interface BenchOptions {
  readonly mode: "latency" | "limits" | "cost";
  readonly events: number;
  /** Of the sample-style app, which is slower; 0 leaves the comparison out. */
  readonly sampleEvents: number;
  readonly latencyMs: number;
  /** Of the mode `cost`. */
  readonly backlogs: readonly [number, number];
  readonly asBacklog: boolean;
  readonly limitMinutes: number;
  readonly json: boolean;
  /** Where the local Azure's process writes its profile. */
  readonly profile: string | undefined;
}

export const usage = `npm run bench -- [options]

Boots a local Azure, has F&O post invoices at full speed, waits until they are in all targets, and asks
every target for every one of them. The same is then done with an app as samples show it.

  --events N         invoices (10000)
  --sample-events N  invoices for the sample-style app (a fifth, at most 2000; 0: no comparison)
  --latency-ms L     what every call of a target takes longer (20)
  --limits           CE alone, with Dataverse's limits enforced
  --cost             CPU time per event of two backlogs, instead of the comparison
  --backlogs A,B     the two backlogs of --cost (1000,10000)
  --backlog          the app meets all events as a backlog, instead of while they are posted
  --minutes M        the longest that one run may take (15)
  --profile DIR      CPU profile of the local Azure's process
  --json             the result as JSON on standard output, everything else on standard error
  --help             this text

Exit codes: 0 nothing lost and nothing doubled, 1 otherwise, 2 wrong call.
`;

const flags = {
  events: { type: "string", default: "10000" },
  "sample-events": { type: "string" },
  "latency-ms": { type: "string", default: "20" },
  limits: { type: "boolean", default: false },
  cost: { type: "boolean", default: false },
  backlogs: { type: "string", default: "1000,10000" },
  backlog: { type: "boolean", default: false },
  minutes: { type: "string", default: "15" },
  profile: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** "help", or what to do; throws for what is no option or no number. */
export function readOptions(args: readonly string[]): BenchOptions | "help" {
  const { values } = parseArgs({ args: [...args], options: flags });
  if (values.help) return "help";
  if (values.limits && values.cost) throw new Error("--limits and --cost exclude each other");
  const events = toCount("--events", values.events, 1, 1_000_000);
  const sample = values["sample-events"] ?? String(Math.min(Math.ceil(events / 5), 2_000));
  const [small, large, more] = values.backlogs
    .split(",")
    .map((text) => toCount("--backlogs", text, 1, 1_000_000));
  if (small === undefined || large === undefined || more !== undefined) {
    throw new Error("--backlogs takes two numbers: 1000,10000");
  }
  return {
    mode: values.limits ? "limits" : values.cost ? "cost" : "latency",
    events,
    sampleEvents: toCount("--sample-events", sample, 0, 1_000_000),
    latencyMs: values.limits ? 0 : toCount("--latency-ms", values["latency-ms"], 0, 60_000),
    backlogs: [small, large],
    asBacklog: values.backlog,
    limitMinutes: toCount("--minutes", values.minutes, 1, 600),
    json: values.json,
    profile: values.profile,
  };
}

function toCount(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least && number <= most && text.trim() !== "") {
    return number;
  }
  throw new Error(`${name} takes a whole number from ${least} to ${most}, not "${text}"`);
}
