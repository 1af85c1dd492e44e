import { type Actions, branchesOf } from "./definition.ts";
import type { Frame } from "./frame.ts";
import { omit } from "./omit.ts";
import {
  type ActionRecord,
  type RepetitionRecord,
  type RunRecord,
  toHistory,
  worstStatus,
} from "./run-record.ts";
import type { RunState } from "./run-state.ts";
import { securedBy } from "./secure-data.ts";
import { toPlain } from "./wdl/values.ts";

/** The run's trigger and every action of the definition, those inside loops with one record per iteration. */
export function toRunHistory(run: RunState, frame: Frame): Pick<RunRecord, "trigger" | "actions"> {
  const actions: Record<string, ActionRecord> = {};
  for (const [name, record] of frame.records) actions[name] = toHistory(record);
  collectLoops(run, frame, [], actions);
  const { outputs, ...trigger } = run.trigger;
  const isSecured = Object.values(run.definition.triggers ?? {}).some((definition) =>
    securedBy(definition).includes("outputs"),
  );
  const shown = toPlain(isSecured ? trigger : { ...trigger, outputs: outputs ?? null });
  return { trigger: shown as Readonly<Record<string, unknown>>, actions };
}

type Indexes = RepetitionRecord["repetitionIndexes"];

function collectLoops(
  run: RunState,
  frame: Frame,
  indexes: Indexes,
  actions: Record<string, ActionRecord>,
): void {
  const repetitions = new Map<string, RepetitionRecord[]>();
  gatherRepetitions(frame, indexes, repetitions);
  for (const [name, records] of repetitions) actions[name] = mergeRepetitions(records);
  for (const [loop, record] of Object.entries(actions)) {
    if (record.iterationCount === 0)
      addUnused(run.definitionOf(loop)?.actions ?? {}, actions, record);
  }
}

function gatherRepetitions(
  frame: Frame,
  indexes: Indexes,
  repetitions: Map<string, RepetitionRecord[]>,
): void {
  for (const [loop, iterations] of frame.iterations) {
    iterations.forEach((iteration, itemIndex) => {
      const here = [...indexes, { scopeName: loop, itemIndex }];
      for (const [name, record] of iteration.records) {
        const known = repetitions.get(name);
        const repetition = { ...toHistory(record), repetitionIndexes: here };
        if (known === undefined) repetitions.set(name, [repetition]);
        else known.push(repetition);
      }
      gatherRepetitions(iteration, here, repetitions);
    });
  }
}

function mergeRepetitions(records: readonly RepetitionRecord[]): ActionRecord {
  const [first] = records;
  const last = records.at(-1);
  if (first === undefined || last === undefined)
    throw new Error("An action without repetitions has no record.");
  const rest = omit(last, "inputs", "outputs", "repetitionIndexes");
  const status = worstStatus(records.map((record) => record.status));
  return { ...rest, status, startTime: first.startTime, repetitions: records };
}

/** What stands inside a loop without items did not run. */
function addUnused(
  actions: Actions,
  into: Record<string, ActionRecord>,
  loop: ActionRecord | undefined,
): void {
  if (loop === undefined) return;
  for (const [name, action] of Object.entries(actions)) {
    into[name] = {
      ...omit(loop, "inputs", "outputs", "iterationCount"),
      name,
      type: action.type,
      status: "Skipped",
      code: "ActionSkipped",
      repetitions: [],
    };
    for (const branch of branchesOf(action)) addUnused(branch.actions, into, loop);
  }
}
