import { type ActionDefinition, branchesOf } from "./definition.ts";
import type { Frame } from "./frame.ts";
import type { LiveRecord } from "./run-record.ts";
import type { RunState } from "./run-state.ts";
import type { EvaluationContext } from "./wdl/context.ts";
import { type WdlObject, type WdlValue, buildObject } from "./wdl/values.ts";

interface Extra {
  readonly item?: WdlValue;
  readonly action?: WdlValue;
}

/** What an expression sees at one place of a run; parts are put together only when they are asked for. */
export function createContext(run: RunState, frame: Frame, extra: Extra = {}): EvaluationContext {
  return new PlaceInRun(run, frame, extra);
}

class PlaceInRun implements EvaluationContext {
  readonly run: RunState;
  readonly frame: Frame;
  readonly extra: Extra;

  constructor(run: RunState, frame: Frame, extra: Extra) {
    this.run = run;
    this.frame = frame;
    this.extra = extra;
  }

  get parameters(): Readonly<Record<string, WdlValue>> {
    return this.run.parameters;
  }

  get trigger(): WdlObject {
    return this.run.trigger;
  }

  get workflow(): WdlObject {
    return this.run.workflow;
  }

  get callbackUrl(): string | undefined {
    return this.run.callbackUrl;
  }

  get action(): WdlValue | undefined {
    return this.extra.action;
  }

  get item(): WdlValue | undefined {
    return this.extra.item ?? innermostItem(this.frame);
  }

  get now(): string {
    return this.run.nowText();
  }

  get variables(): Readonly<Record<string, WdlValue>> {
    return buildObject([...this.run.variables].map(([name, { value }]) => [name, value]));
  }

  get actions(): WdlObject {
    const records = [...this.frame.visibleRecords()];
    return buildObject(records.map(([name, record]) => [name, toActionObject(record)]));
  }

  actionOf(name: string): WdlObject | undefined {
    const record = this.frame.find(name);
    return record === undefined ? undefined : toActionObject(record);
  }

  get items(): Readonly<Record<string, WdlValue | undefined>> {
    return buildObject(loopsOf(this.frame).map((loop) => [loop.name, loop.item] as const));
  }

  get iterationIndexes(): Readonly<Record<string, number>> {
    return buildObject(loopsOf(this.frame).map((loop) => [loop.name, loop.index] as const));
  }

  get result(): Readonly<Record<string, unknown>> {
    return createResults(this.run, this.frame);
  }
}

function innermostItem(frame: Frame): WdlValue | undefined {
  const own = frame.loop?.item;
  return own === undefined && frame.parent !== undefined ? innermostItem(frame.parent) : own;
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
  const { name, status, code, inputs, outputs, error } = record;
  const { startTime, endTime, trackingId, clientTrackingId } = record;
  const object: Record<string, WdlValue> = { name };
  if (inputs !== undefined) object["inputs"] = inputs;
  if (outputs !== undefined) object["outputs"] = outputs;
  Object.assign(object, { startTime, endTime, trackingId, clientTrackingId, status, code });
  if (error !== undefined) object["error"] = { code: error.code, message: error.message };
  return object;
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
