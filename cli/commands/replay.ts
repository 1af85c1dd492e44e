import { Command, InvalidArgumentError } from "commander";
import { exitCodes } from "../exit-codes.ts";
import { ask } from "../operator/ask.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { followReplay, printReplay } from "../operator/follow-replay.ts";
import type { Replay } from "../operator/follow-replay.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { printChanges } from "../operator/print-changes.ts";
import { countOf, describeTotal } from "../operator/replay-plan.ts";
import type { Plan } from "../operator/replay-plan.ts";
import {
  readSelection,
  withSelectionOptions,
  withWindowOptions,
} from "../operator/selection-options.ts";
import type { SelectionFlags } from "../operator/selection-options.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

const maxRebuilt = 5;

interface CommonFlags extends StackFlags {
  readonly json?: boolean;
}

interface BeginFlags extends CommonFlags, SelectionFlags {
  readonly dryRun?: boolean;
  readonly asStored?: boolean;
  readonly perSecond?: number;
  readonly steps?: readonly number[];
  readonly stopShare?: number;
  readonly reason?: string;
  readonly follow?: boolean;
  readonly yes?: boolean;
}

/** `causeway replay`: sends failures again, to the one target that failed. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .description(
      "Sends failures again, only to the target that failed, in rising steps; stops by itself when too many fail again.",
    )
    .option("--dry-run", "show the plan by target and cause, and send nothing")
    .option("--as-stored", "send the event as it was accepted instead of reading F&O again")
    .option("--per-second <count>", "at most so many a second", toNumber)
    .option("--steps <sizes>", "how many to send before looking, e.g. 1,10,100", toSteps)
    .option(
      "--stop-share <share>",
      "stop when more than this of a step fails again, e.g. 0.1",
      toNumber,
    )
    .option("--reason <text>", "why; for the audit")
    .option("--follow", "stay and show how it goes (it goes on without this program)")
    .option("--yes", "do not ask");
  return withStackOptions(withWindowOptions(withSelectionOptions(command)))
    .action(begin)
    .addCommand(statusCommand())
    .addCommand(listCommand())
    .addCommand(wishCommand("pause", "Sends nothing more until it is resumed."))
    .addCommand(wishCommand("resume", "Goes on where it was paused."))
    .addCommand(wishCommand("cancel", "Sends nothing more; what was not sent is open again."));
}

async function begin(
  failures: readonly string[],
  flags: BeginFlags,
  command: Command,
): Promise<void> {
  const selection = readSelection(command, failures, flags);
  await withOperator(flags, async (client) => {
    const { plan } = await client.post<{ readonly plan: Plan }>("replays", {
      selection,
      dryRun: true,
      ...dropUndefined({ asStored: flags.asStored }),
    });
    if (flags.dryRun === true) {
      if (flags.json === true) printJson({ plan });
      else printPlan(plan);
      return;
    }
    if (flags.json !== true) printPlan(plan);
    // One failure by its id is clear enough; everything else is asked about.
    const isClear = failures.length > 0 || flags.yes === true;
    if (!isClear && !(await ask(`Send ${countOf(plan)} again?`))) {
      process.exitCode = exitCodes.failed;
      return;
    }
    const { asStored, perSecond, steps, stopShare, reason } = flags;
    const replay = await client.post<Replay>("replays", {
      selection,
      ...(flags.all === true ? { confirm: "all" } : {}),
      ...dropUndefined({ asStored, perSecond, steps, stopShare, reason }),
    });
    await report(client, replay, flags);
  });
}

async function report(client: OperatorClient, begun: Replay, flags: BeginFlags): Promise<void> {
  const replay = flags.follow === true ? await followReplay(client, begun.id) : begun;
  if (replay.state === "stopped") process.exitCode = exitCodes.needsLooking;
  if (flags.json === true) printJson(replay);
  else if (flags.follow === true) printReplay(replay);
  else
    printLine(
      `Replay ${replay.id} has begun. Look at it with: causeway replay status ${replay.id}`,
    );
}

function printPlan(plan: Plan): void {
  printTable(
    ["count", "target", "cause"],
    plan.parts.map(({ count, target, cause }) => [String(count), target, cause]),
  );
  printLine(describeTotal(plan));
  for (const { target, businessKey, changes, refusal = "" } of plan.examples) {
    if (refusal !== "") printLine(`${target} ${businessKey}: would not be sent: ${refusal}`);
    if (changes.length === 0) continue;
    printLine(`${target} ${businessKey}: F&O says otherwise now`);
    printChanges(changes, "  ");
  }
}

function statusCommand(): Command {
  const command = new Command("status")
    .description("How a replay stands.")
    .argument("<id>")
    .option("--follow", "stay until it has ended");
  return withStackOptions(command).action(
    async (id: string, flags: CommonFlags & { readonly follow?: boolean }, self: Command) => {
      const all = self.optsWithGlobals<typeof flags>();
      await withOperator(all, async (client) => {
        const replay =
          all.follow === true
            ? await followReplay(client, id)
            : await client.get<Replay>(`replays/${id}`);
        if (replay.state === "stopped") process.exitCode = exitCodes.needsLooking;
        if (all.json === true) {
          printJson(replay);
          return;
        }
        printReplay(replay);
        await printRebuilt(client, id);
      });
    },
  );
}

/** The first few that were sent otherwise than they had been accepted. */
async function printRebuilt(client: OperatorClient, id: string): Promise<void> {
  const { items } = await client.get<{
    readonly items: readonly Omit<Plan["examples"][number], "refusal">[];
  }>(`replays/${id}/items`, { limit: "200" });
  const rebuilt = items.filter(({ changes }) => changes.length > 0);
  for (const { target, businessKey, changes } of rebuilt.slice(0, maxRebuilt)) {
    printLine(`${target} ${businessKey}: F&O says otherwise now`);
    printChanges(changes, "  ");
  }
}

function listCommand(): Command {
  const command = new Command("list").description("Replays, newest first.");
  return withStackOptions(command).action(async (_flags: CommonFlags, self: Command) => {
    const flags = self.optsWithGlobals<CommonFlags>();
    await withOperator(flags, async (client) => {
      const answer = await client.get<{ readonly replays: readonly Replay[] }>("replays");
      if (flags.json === true) {
        printJson(answer);
        return;
      }
      printTable(
        ["begun", "id", "state", "of", "delivered", "failed again", "by", "note"],
        answer.replays.map((each) => [
          shortInstant(each.createdAt),
          each.id,
          each.state,
          String(each.total),
          String(each.counts.delivered),
          String(each.counts.failedAgain),
          each.by,
          each.note,
        ]),
      );
    });
  });
}

function wishCommand(verb: "pause" | "resume" | "cancel", description: string): Command {
  const command = new Command(verb).description(description).argument("<id>");
  return withStackOptions(command).action(
    async (id: string, _flags: CommonFlags, self: Command) => {
      const flags = self.optsWithGlobals<CommonFlags>();
      await withOperator(flags, async (client) => {
        const replay = await client.post<Replay>(`replays/${id}/${verb}`);
        if (flags.json === true) printJson(replay);
        else printLine(`The replay ${id} will ${verb} within a moment.`);
      });
    },
  );
}

function toNumber(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) throw new InvalidArgumentError("use a number");
  return value;
}

function toSteps(text: string): readonly number[] {
  const steps = text.split(",").map(Number);
  if (steps.every((step) => Number.isInteger(step) && step > 0)) return steps;
  throw new InvalidArgumentError("use sizes such as 1,10,100");
}

function dropUndefined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
