import type { RunRecord } from "../run-record.ts";

/** A run that has not ended yet. */
export interface RunningRecord {
  readonly name: string;
  readonly status: "Running";
  readonly startTime: string;
}

export interface RunStore {
  begin(name: string, startTime: string): void;
  end(record: RunRecord): void;
  /** Forgets a run that never got anywhere. */
  drop(name: string): void;
  /** Newest first. */
  list(): readonly (RunRecord | RunningRecord)[];
  find(name: string): RunRecord | RunningRecord | undefined;
}

/** Enough to look at, little enough that a long-running local stack keeps its memory. */
const maxRuns = 100;

export function createRunStore(): RunStore {
  const runs = new Map<string, RunRecord | RunningRecord>();
  const shrink = (): void => {
    for (const [name, run] of runs) {
      if (runs.size <= maxRuns) return;
      if (run.status !== "Running") runs.delete(name);
    }
  };
  return {
    begin: (name, startTime) => {
      runs.set(name, { name, status: "Running", startTime });
      shrink();
    },
    end: (record) => void runs.set(record.name, withoutAnswer(record)),
    drop: (name) => void runs.delete(name),
    list: () => [...runs.values()].reverse(),
    find: (name) => runs.get(name),
  };
}

/** The answer's body is in the Response action's outputs, unless these are secured. */
function withoutAnswer(record: RunRecord): RunRecord {
  const { response, ...rest } = record;
  if (response === undefined) return rest;
  return { ...rest, response: { statusCode: response.statusCode, headers: {}, body: null } };
}
