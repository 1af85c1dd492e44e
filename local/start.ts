import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { parsePorts, portNames } from "./assembly/ports.ts";
import { runStart } from "./run-start.ts";

/** `npm start`: flags in, exit code out. */
const usage = `npm start -- [options]

Runs the Pulumi program against a local Azure, posts a small set of documents in a simulated F&O and shows
where each one went.

  --once     post the set, check that rows, records and mails are there, exit (0 only if they are)
  --idle     start everything and post nothing
  --json     with --once: the result as JSON on standard output, everything else on standard error
  --port N=P put N on port P instead of a free one; N is one of ${portNames.join(", ")}
  --folder D keep certificates, unpacked code and environment.json in D instead of .local
  --verbose  log lines of the local services on standard error
  --help     this text

While it runs: p posts an invoice, b breaks CE, h heals it, q quits. Exit codes: 0 fine, 1 failed, 2 wrong call.
`;

const options = {
  once: { type: "boolean" },
  idle: { type: "boolean" },
  json: { type: "boolean" },
  verbose: { type: "boolean" },
  folder: { type: "string" },
  port: { type: "string", multiple: true },
  help: { type: "boolean", short: "h" },
} as const;

function readFlags(): ReturnType<typeof parseArgs<{ options: typeof options }>>["values"] {
  try {
    const { values } = parseArgs({ options });
    if (values.once === true && values.idle === true)
      throw new Error("--once and --idle exclude each other");
    if (values.json === true && values.once !== true) throw new Error("--json goes with --once");
    parsePorts(values.port ?? []);
    return values;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

// A reader that has seen enough (`| head`) closes the pipe; that is no error of ours. Children end with us.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const flags = readFlags();
if (flags.help === true) {
  process.stdout.write(usage);
} else {
  process.exitCode = await runStart({
    mode: flags.once === true ? "once" : flags.idle === true ? "idle" : "watch",
    isJson: flags.json === true,
    isVerbose: flags.verbose === true,
    folder: resolve(flags.folder ?? join(import.meta.dirname, "..", ".local")),
    ports: parsePorts(flags.port ?? []),
  });
  // Everything was closed; what still holds the loop open (an SDK's pool) must not hold the person.
  process.exit();
}
