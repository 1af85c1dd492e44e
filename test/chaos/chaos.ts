import { parseArgs } from "node:util";
import { allFaults } from "./all-faults.ts";
import { renderChaos } from "./render-chaos.ts";
import { runChaos } from "./run-chaos.ts";

/** `npm run chaos`: flags in, a table and an exit code out. */
const usage = `npm run chaos -- [options]

Runs the whole local Azure on a simulated clock, breaks it while events flow, and asks F&O, the ledger,
CE, the CRM, the mailbox and the failure store what became of every accepted event.

  --seed S     the same seed chooses the same documents, mixes and moments; what happens in between
               is the machine's matter (default: 1)
  --events N   documents to post over all rounds (default: 2000)
  --faults a,b only these, one round each and a mixed one (default: all)
  --no-mixed   without the mixed rounds
  --together   one round with all of the faults at once, each of which has to meet something
  --lanes N    local Azures that share the rounds, at most one for each core (default: 2)
  --json       the result as JSON on standard output, everything else on standard error
  --folder D   where the run keeps its files (default: .local/chaos)
  --verbose    log lines of the local services on standard error
  --help       this text

Faults: ${allFaults.map(({ name }) => name).join(", ")}

Exit codes: 0 nothing lost, doubled, disagreeing or unchecked; 1 something was; 2 wrong call.
`;

const options = {
  seed: { type: "string", default: "1" },
  events: { type: "string", default: "2000" },
  faults: { type: "string" },
  "no-mixed": { type: "boolean", default: false },
  together: { type: "boolean", default: false },
  lanes: { type: "string", default: "2" },
  json: { type: "boolean", default: false },
  folder: { type: "string", default: ".local/chaos" },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

type Flags = ReturnType<typeof parseArgs<{ options: typeof options }>>["values"];

function readFlags(): Flags & {
  readonly numbers: { seed: number; events: number; lanes: number };
  names: string[];
} {
  try {
    const { values } = parseArgs({ options });
    const whole = (name: "seed" | "events" | "lanes"): number => {
      const number = Number(values[name]);
      if (Number.isInteger(number) && number >= 1) return number;
      throw new Error(`--${name} must be a whole number of 1 or more, got ${values[name]}`);
    };
    const known = allFaults.map(({ name }) => name);
    const names = values.faults?.split(",") ?? known;
    const unknown = names.find((name) => !known.includes(name));
    if (unknown !== undefined) throw new Error(`--faults: there is no ${unknown}`);
    return {
      ...values,
      names,
      numbers: { seed: whole("seed"), events: whole("events"), lanes: whole("lanes") },
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

const flags = readFlags();
if (flags.help) {
  process.stdout.write(usage);
} else {
  const result = await runChaos({
    ...flags.numbers,
    faults: flags.names,
    plan: flags.together ? "together" : flags["no-mixed"] ? "alone" : "aloneAndMixed",
    folder: flags.folder,
    isVerbose: flags.verbose,
  });
  if (flags.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  (flags.json ? process.stderr : process.stdout).write(`${renderChaos(result)}\n`);
  // Everything was closed; what an SDK still holds open must not hold the person.
  process.exit(result.problems.length === 0 ? 0 : 1);
}
