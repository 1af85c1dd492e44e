import { Button, Label, ProgressBar } from "react-aria-components";
import { count } from "../words.ts";

interface Counts {
  readonly waiting: number;
  readonly underWay: number;
  readonly delivered: number;
  readonly skipped: number;
  readonly failedAgain: number;
  readonly refused: number;
}

export interface Replay {
  readonly id: string;
  readonly state: "planning" | "running" | "paused" | "done" | "stopped" | "cancelled";
  readonly by: string;
  readonly reason: string;
  readonly total: number;
  readonly counts: Counts;
  readonly steps: readonly (Omit<Counts, "waiting"> & {
    readonly number: number;
    readonly size: number;
  })[];
  /** Why it stopped, or what it waits for. */
  readonly note: string;
}

export function isOver({ state }: Replay): boolean {
  return state === "done" || state === "stopped" || state === "cancelled";
}

export function ReplayProgress({
  replay,
  onChange,
}: {
  readonly replay: Replay;
  /** Undefined: this person may only look. */
  readonly onChange: ((what: "pause" | "resume" | "cancel") => Promise<void>) | undefined;
}) {
  const { state, counts, total, note } = replay;
  const settled = total - counts.waiting - counts.underWay;
  return (
    <div className="panel inset" data-testid="replay">
      <ProgressBar value={settled} maxValue={Math.max(1, total)} className="progress">
        {({ percentage }) => (
          <>
            <Label>
              Replay {state}: {count(counts.delivered)} delivered, {count(counts.failedAgain)}{" "}
              failed again{counts.refused > 0 && `, ${count(counts.refused)} refused`} of{" "}
              {count(total)}
            </Label>
            <svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
              <rect className="all" width="100" height="4" />
              <rect className="part" width={percentage ?? 0} height="4" />
            </svg>
          </>
        )}
      </ProgressBar>
      {note !== "" && (
        <p className={`notice ${state === "stopped" ? "warn" : ""}`} role="alert">
          <span>
            {state === "stopped" && <b>It stopped by itself: </b>}
            {note}
          </span>
        </p>
      )}
      <Steps steps={replay.steps} />
      <p className="muted">
        {replay.by}: {replay.reason}
      </p>
      {!isOver(replay) && onChange !== undefined && (
        <div className="row">
          <Button
            className="plain"
            onPress={() => void onChange(state === "paused" ? "resume" : "pause")}
          >
            {state === "paused" ? "Go on" : "Pause"}
          </Button>
          <Button className="plain" onPress={() => void onChange("cancel")}>
            Cancel
          </Button>
        </div>
      )}
    </div>
  );
}

function Steps({ steps }: Pick<Replay, "steps">) {
  if (steps.length === 0) return null;
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={step.number} value={step.number}>
          {count(step.size)} sent: {count(step.delivered)} delivered, {count(step.failedAgain)}{" "}
          failed again, {count(step.underWay)} under way
        </li>
      ))}
    </ol>
  );
}
