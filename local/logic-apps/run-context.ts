import { type ActionDefinition, branchesOf } from "./definition.ts";
import type { Frame } from "./frame.ts";
import type { LiveRecord } from "./run-record.ts";
import type { RunState } from "./run-state.ts";
import type { EvaluationContext } from "./wdl/context.ts";
import { type WdlObject, type WdlValue, buildObject } from "./wdl/values.ts";

/** What an expression sees at one place of a run; parts are put together only when they are asked for. */
export function createContext(
  run: RunState,
  frame: Frame,
  extra: { readonly item?: WdlValue; readonly action?: WdlValue } = {},
): EvaluationContext {
  const loops = loopsOf(frame);
  let actions: WdlObject | undefined;
  let now: string | undefined;
  const item = extra.item ?? loops.findLast((loop) => loop.item !== undefined)?.item;
  return {
    parameters: run.parameters,
    trigger: run.trigger,
    workflow: run.workflow,
    ...(run.callbackUrl === undefined ? {} : { callbackUrl: run.callbackUrl }),
    ...(item === undefined ? {} : { item }),
    ...(extra.action === undefined ? {} : { action: extra.action }),
    get now() {
      return (now ??= run.nowText());
    },
    get variables() {
      return buildObject([...run.variables].map(([name, variable]) => [name, variable.value]));
    },
    get actions() {
      return (actions ??= buildObject(
        [...frame.visibleRecords()].map(([name, record]) => [name, toActionObject(record)]),
      ));
    },
    get items() {
      return buildObject(loops.map((loop) => [loop.name, loop.item] as const));
    },
    get iterationIndexes() {
      return buildObject(loops.map((loop) => [loop.name, loop.index] as const));
    },
    get result() {
      return createResults(run, frame);
    },
  };
}

function loopsOf(frame: Frame): readonly NonNullable<Frame["loop"]>[] {
  const outer = frame.parent === undefined ? [] : loopsOf(frame.parent);
  return frame.loop === undefined ? outer : [...outer, frame.loop];
}

/** The object that `actions('name')` gives. */
export function toActionObject(record: LiveRecord): WdlObject {
  const known = actionObjects.get(record);
  if (known !== undefined) return known;
  const object = makeActionObject(record);
  actionObjects.set(record, object);
  return object;
}

/** Records do not change once they are made, and expressions ask for them again and again. */
const actionObjects = new WeakMap<LiveRecord, WdlObject>();

function makeActionObject(record: LiveRecord): WdlObject {
  const {
    name,
    status,
    code,
    inputs,
    outputs,
    startTime,
    endTime,
    trackingId,
    clientTrackingId,
    error,
  } = record;
  return {
    name,
    ...(inputs === undefined ? {} : { inputs }),
    ...(outputs === undefined ? {} : { outputs }),
    startTime,
    endTime,
    trackingId,
    clientTrackingId,
    status,
    code,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message } }),
  };
}

/** Each scope's answer is a getter: only the one that is asked for is put together. */
function createResults(run: RunState, frame: Frame): Readonly<Record<string, unknown>> {
  const results: Record<string, unknown> = {};
  const visible = frame.visibleRecords();
  for (const [name, action] of run.scopes()) {
    if (!visible.has(name)) continue;
    Object.defineProperty(results, name, {
      enumerable: true,
      get: () => resultOf(name, action, frame),
    });
  }
  return results;
}

function resultOf(name: string, action: ActionDefinition, frame: Frame): readonly WdlValue[] {
  const children = branchesOf(action).flatMap((branch) => Object.keys(branch.actions));
  const pick = (from: Frame): readonly WdlObject[] => {
    const records = from.visibleRecords();
    return children.flatMap((child) => {
      const record = records.get(child);
      return record === undefined ? [] : [toActionObject(record)];
    });
  };
  if (action.type.toLowerCase() !== "foreach") return pick(frame);
  const iterations = frame.iterationsOf(name) ?? [];
  return children.map((child) => ({
    name: child,
    outputs: iterations.flatMap((iteration) =>
      pick(iteration).filter((object) => object["name"] === child),
    ),
  }));
}
