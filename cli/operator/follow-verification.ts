import type { VerificationView } from "../../functions/src/operator/reads/answers.ts";
import { systemClock } from "../../functions/src/platform/clock.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { askUntilOver } from "./ask-until-over.ts";
import type { OperatorClient } from "./operator-client.ts";
import { pathOf } from "./path-of.ts";

export interface FollowOptions {
  /** Shows nothing: only the answer is wanted. */
  readonly isQuiet: boolean;
  readonly clock?: Clock;
  readonly terminal?: { readonly isTTY: boolean; write(text: string): unknown };
}

/** Longer than the function app gives itself. */
const limitMs = 15 * 60_000;
const clearLine = "\r\u001b[2K";

/** Waits until the verification has ended; on a terminal with one line that changes and goes away again. */
export function followVerification(
  client: Pick<OperatorClient, "get">,
  id: string,
  { isQuiet, clock = systemClock, terminal = process.stderr }: FollowOptions,
): Promise<VerificationView> {
  const isShown = !isQuiet && terminal.isTTY;
  const begunAt = clock.now();
  const isOver = ({ state }: VerificationView): boolean =>
    state !== "running" || clock.now() - begunAt > limitMs;
  return askUntilOver(() => client.get<VerificationView>(pathOf("verifications", id)), {
    clock,
    isOver,
    show: (found) => {
      if (!isShown) return;
      terminal.write(
        isOver(found) ? clearLine : `${clearLine}${toLine(found, clock.now() - begunAt)}`,
      );
    },
  });
}

function toLine({ counts }: VerificationView, takenMs: number): string {
  const total = (kind: "compared" | "missing" | "doubled" | "differing"): number =>
    counts.reduce((sum, each) => sum + each[kind], 0);
  const found = (["missing", "doubled", "differing"] as const)
    .filter((kind) => total(kind) > 0)
    .map((kind) => `${total(kind)} ${kind}`);
  const parts = [`${total("compared")} compared so far`, ...found];
  return `${parts.join(", ")} (${Math.round(takenMs / 1_000)} s)`;
}
