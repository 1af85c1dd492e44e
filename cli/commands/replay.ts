import { Command, InvalidArgumentError } from "commander";
import type { LeftOut } from "../../functions/src/recovery/find-named.ts";
import { exitCodes } from "../exit-codes.ts";
import { ask } from "../operator/ask.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { exitCodeOf, followReplay, printReplay } from "../operator/follow-replay.ts";
import type { Replay } from "../operator/follow-replay.ts";
import { leftOutSince, printLeftOut } from "../operator/left-out.ts";
import { withOperator } from "../operator/operator-client.ts";
import type { OperatorClient } from "../operator/operator-client.ts";
import { printChanges } from "../operator/print-changes.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { moreNote, readPages, toCount } from "../operator/read-pages.ts";
import type { Pages } from "../operator/read-pages.ts";
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
import { itemsCommand, printChanged, readItems } from "./replay-items.ts";

const maxRebuilt = 5;
const lookedAt = 200;

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
    .addCommand(itemsCommand())
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
      if (plan.leftOut.length > 0) process.exitCode = exitCodes.needsLooking;
      if (flags.json === true) printJson({ plan });
      else printPlan(plan);
      return;
    }
    if (flags.json === true) printLeftOut(plan.leftOut, true);
    else printPlan(plan);
    // Failures by their ids are clear enough when all of them are there; everything else is asked about.
    const isNamed = failures.length > 0 && plan.leftOut.length === 0;
    const isClear = isNamed || flags.yes === true;
    if (!isClear && !(await ask(toQuestion(plan)))) {
      process.exitCode = exitCodes.failed;
      return;
    }
    const { asStored, perSecond, steps, stopShare, reason } = flags;
    const begun = await client.post<Begun>("replays", {
      selection,
      ...(flags.all === true ? { confirm: "all" } : {}),
      ...dropUndefined({ asStored, perSecond, steps, stopShare, reason }),
    });
    await report(client, begun, plan, flags);
  });
}

interface Begun extends Replay {
  readonly leftOut: readonly LeftOut[];
}

function toQuestion(plan: Plan): string {
  const { leftOut } = plan;
  const count = countOf(plan);
  if (leftOut.length === 0) return `Send ${count} again?`;
  return `${leftOut.length} of those that you named cannot be sent. Send ${count} again?`;
}

async function report(
  client: OperatorClient,
  begun: Begun,
  plan: Plan,
  flags: BeginFlags,
): Promise<void> {
  const { leftOut } = begun;
  const isFollowed = flags.follow === true;
  const replay = isFollowed ? await followReplay(client, begun.id) : begun;
  process.exitCode = leftOut.length > 0 ? exitCodes.needsLooking : exitCodeOf(replay, isFollowed);
  if (flags.json === true) {
    printJson({ ...replay, leftOut });
    return;
  }
  printLeftOut(leftOutSince(plan.leftOut, leftOut));
  if (isFollowed) printReplay(replay);
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
  printLeftOut(plan.leftOut);
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
    .argument("<id>", "as the list shows it", toId)
    .option("--follow", "stay until it has ended");
  return withStackOptions(command).action(
    async (id: string, flags: CommonFlags & { readonly follow?: boolean }, self: Command) => {
      const all = self.optsWithGlobals<typeof flags>();
      const isFollowed = all.follow === true;
      await withOperator(all, async (client) => {
        const replay = isFollowed
          ? await followReplay(client, id)
          : await client.get<Replay>(pathOf("replays", id));
        process.exitCode = exitCodeOf(replay, isFollowed);
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
  const { items, isMore } = await readItems(client, id, lookedAt);
  const rebuilt = items.filter(({ changes }) => changes.length > 0);
  printChanged(rebuilt.slice(0, maxRebuilt));
  if (isMore || rebuilt.length > maxRebuilt) {
    printLine(`Every delivery with its changes: causeway replay items ${id}`);
  }
}

function listCommand(): Command {
  const command = new Command("list")
    .description("Replays, newest first.")
    .option("--limit <count>", "how many", toCount, 50);
  return withStackOptions(command).action(
    async (_flags: CommonFlags & { readonly limit: number }, self: Command) => {
      const flags = self.optsWithGlobals<typeof _flags>();
      await withOperator(flags, async (client) => {
        const pages = await readPages<Replay>(client, "replays", "replays", flags.limit);
        if (flags.json === true) printJson({ replays: pages.items, isMore: pages.isMore });
        else printList(pages);
      });
    },
  );
}

function printList({ items, isMore }: Pages<Replay>): void {
  if (items.length === 0) {
    printLine("There are no replays.");
    return;
  }
  printTable(
    ["begun", "id", "state", "of", "delivered", "failed again", "by", "note"],
    items.map((each) => [
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
  if (isMore) printLine(moreNote);
}

function wishCommand(verb: "pause" | "resume" | "cancel", description: string): Command {
  const command = new Command(verb)
    .description(description)
    .argument("<id>", "as the list shows it", toId);
  return withStackOptions(command).action(
    async (id: string, _flags: CommonFlags, self: Command) => {
      const flags = self.optsWithGlobals<CommonFlags>();
      await withOperator(flags, async (client) => {
        const replay = await client.post<Replay>(pathOf("replays", id, verb));
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
