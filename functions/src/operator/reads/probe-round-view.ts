/* Shared with the command line as types only, as answers.ts is: imports nothing. */

/** A synthetic event for every target, sent at a person's word. */
export interface ProbeRoundView {
  readonly id: string;
  readonly at: string;
  /** What has not answered by then is silent. */
  readonly until: string;
  readonly by: string;
  readonly isOver: boolean;
  /** One for each flow and target that is deployed. */
  readonly answers: readonly ProbeAnswerView[];
}

export interface ProbeAnswerView {
  readonly flow: string;
  readonly target: string;
  /** `late`: it took over five minutes. `notCalled`: the target is paused or in an outage. */
  readonly result: "ok" | "failed" | "late" | "notCalled" | "waiting" | "silent";
  readonly code: string;
  /** From sending to the answer; null without one. */
  readonly ms: number | null;
}
