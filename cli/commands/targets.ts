import { Command } from "commander";
import type {
  ResumeAnswer,
  TargetsAnswer,
  TargetView,
} from "../../functions/src/operator/reads/answers.ts";
import type { StackFlags } from "../operator/find-operator-api.ts";
import { withOperator } from "../operator/operator-client.ts";
import { pathOf, toId } from "../operator/path-of.ts";
import { withStackOptions } from "../operator/stack-options.ts";
import { printJson, printLine, printTable, shortInstant } from "../print.ts";

interface Flags extends StackFlags {
  readonly json?: boolean;
}

interface ChangeFlags extends Flags {
  readonly reason: string;
}

/** `causeway targets`: is each target being called, and what waits for it. */
export function targetsCommand(): Command {
  return new Command("targets")
    .description("Targets: state, quota, pause and resume")
    .addCommand(listCommand())
    .addCommand(pauseCommand())
    .addCommand(resumeCommand());
}

function listCommand(): Command {
  const command = new Command("list").description("State, quota and backlog of each target.");
  return withStackOptions(command).action(async (flags: Flags) => {
    await withOperator(flags, async (client) => {
      const answer = await client.get<TargetsAnswer>("targets");
      if (flags.json === true) printJson(answer);
      else {
        print(answer.targets);
        printLine();
        printQuota(answer.targets);
      }
    });
  });
}

function pauseCommand(): Command {
  const command = new Command("pause")
    .description("Stops calling a target; its deliveries wait and cost no attempt.")
    .argument("<target>", "ce, crm, email, intake", toId)
    .requiredOption("--reason <text>", "kept with your name");
  return withStackOptions(command).action(async (target: string, flags: ChangeFlags) => {
    await withOperator(flags, async (client) => {
      const answer = await client.post<{ readonly target: TargetView }>(
        pathOf("targets", target, "pause"),
        { reason: flags.reason },
      );
      if (flags.json === true) printJson(answer);
      else printLine(`${target} is paused; ${answer.target.backlog.count} waiting.`);
    });
  });
}

function resumeCommand(): Command {
  const command = new Command("resume")
    .description("Calls a target again and wakes what was put off.")
    .argument("<target>", "ce, crm, email, intake", toId)
    .requiredOption("--reason <text>", "kept with your name");
  return withStackOptions(command).action(async (target: string, flags: ChangeFlags) => {
    await withOperator(flags, async (client) => {
      const answer = await client.post<ResumeAnswer>(pathOf("targets", target, "resume"), {
        reason: flags.reason,
      });
      if (flags.json === true) printJson(answer);
      else {
        const rest = answer.isComplete ? "" : "; the rest wakes by itself within half an hour";
        printLine(`${target} is called again; ${answer.woken} woken${rest}.`);
      }
    });
  });
}

/** A second table: a target has several limits, and "left" is what people look for. */
function printQuota(targets: readonly TargetView[]): void {
  const number = (value: number | null): string => (value === null ? "" : String(value));
  printTable(
    ["target", "quota", "used", "of", "left", "later", "as of"],
    targets.flatMap(({ name, quota }) =>
      quota.map(({ ahead, at, left, limit, used, what }) => [
        name,
        what,
        number(used),
        number(limit),
        number(left),
        number(ahead),
        shortInstant(at ?? ""),
      ]),
    ),
  );
}

function print(targets: readonly TargetView[]): void {
  printTable(
    ["target", "state", "mode", "waiting", "since", "until", "why"],
    targets.map(({ name, gate, mode, backlog }) => [
      name,
      mode === "off" ? "off" : gate.state,
      mode,
      `${backlog.count}${backlog.isMore ? "+" : ""}`,
      gate.state === "open" ? "" : shortInstant(gate.since),
      shortInstant(gate.until ?? ""),
      gate.pause === null ? "" : `${gate.pause.by}: ${gate.pause.reason}`,
    ]),
  );
}
