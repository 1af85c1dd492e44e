import pc from "picocolors";
import { exitCodes } from "../exit-codes.ts";
import { printLine, shortInstant } from "../print.ts";
import { askUntilOver } from "./ask-until-over.ts";
import type { OperatorClient } from "./operator-client.ts";
import { pathOf } from "./path-of.ts";

export interface Replay {
  readonly id: string;
  readonly state: string;
  readonly isFollowed: boolean;
  readonly isPlanned: boolean;
  readonly total: number;
  readonly perSecondNow: number;
  readonly by: string;
  readonly createdAt: string;
  readonly reason: string;
  readonly counts: {
    readonly waiting: number;
    readonly underWay: number;
    readonly delivered: number;
    readonly skipped: number;
    readonly failedAgain: number;
    readonly refused: number;
  };
  readonly steps: readonly {
    readonly number: number;
    readonly size: number;
    readonly delivered: number;
    readonly skipped: number;
    readonly failedAgain: number;
    readonly refused: number;
    readonly endedAt: string | null;
  }[];
  readonly note: string;
}

const barWidth = 30;

/** Shows the replay until it has ended; on a terminal as one line that changes. */
export function followReplay(client: OperatorClient, id: string): Promise<Replay> {
  const isTerminal = process.stderr.isTTY;
  let shown = "";
  return askUntilOver(() => client.get<Replay>(pathOf("replays", id)), {
    isOver,
    show: (replay) => {
      const line = toLine(replay);
      if (isTerminal) process.stderr.write(`\r\u001b[2K${line}${isOver(replay) ? "\n" : ""}`);
      else if (line !== shown) process.stderr.write(`${line}\n`);
      shown = line;
    },
  });
}

/** Whoever followed a replay wants it done, and nothing of it failed again or was left out. */
export function exitCodeOf({ counts, state }: Replay, isFollowed: boolean): number {
  const isBroken = isFollowed && (state === "cancelled" || state === "paused");
  const bad = counts.failedAgain + counts.refused;
  return state === "stopped" || isBroken || bad > 0 ? exitCodes.needsLooking : exitCodes.done;
}

function isOver({ state }: Replay): boolean {
  return state === "done" || state === "stopped" || state === "cancelled" || state === "paused";
}

function toLine(replay: Replay): string {
  const { counts, note, state, steps, total } = replay;
  const ended = counts.delivered + counts.skipped + counts.failedAgain + counts.refused;
  const share = total === 0 ? 0 : ended / total;
  const filled = Math.round(share * barWidth);
  const bar = `${"█".repeat(filled)}${"░".repeat(barWidth - filled)}`;
  const step = steps.at(-1);
  const parts = [
    `${bar} ${ended}/${total}${replay.isPlanned ? "" : "+"}`,
    state,
    ...(step === undefined ? [] : [`step ${step.number} (${step.size})`]),
    `${counts.delivered} delivered`,
    ...(counts.skipped > 0 ? [`${counts.skipped} skipped`] : []),
    ...(counts.failedAgain > 0 ? [pc.red(`${counts.failedAgain} failed again`)] : []),
    ...(counts.refused > 0 ? [pc.red(`${counts.refused} not sent`)] : []),
    ...(note === "" ? [] : [note]),
  ];
  return parts.join("  ");
}

export function printReplay(replay: Replay): void {
  const { counts } = replay;
  printLine(
    `${replay.id}  ${replay.state}  begun ${shortInstant(replay.createdAt)} by ${replay.by}`,
  );
  if (replay.reason !== "") printLine(`because     ${replay.reason}`);
  printLine(
    `of ${replay.total}: ${counts.delivered} delivered, ${counts.skipped} skipped, ${counts.failedAgain} failed again, ${counts.refused} not sent, ${counts.underWay} under way, ${counts.waiting} waiting`,
  );
  for (const step of replay.steps) {
    printLine(
      `step ${String(step.number).padEnd(3)} ${String(step.size).padStart(6)}: ${step.delivered} delivered, ${step.skipped} skipped, ${step.failedAgain} failed again, ${step.refused} not sent${step.endedAt === null ? " …" : ""}`,
    );
  }
  if (replay.note !== "") printLine(replay.note);
}
