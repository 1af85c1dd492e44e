import type { LocalClock, LocalTimer } from "../clock.ts";
import { type ActionDefinition, type WorkflowDefinition, branchesOf } from "./definition.ts";
import type { RunPorts } from "./run-ports.ts";
import type { WorkflowError, WorkflowResponse } from "./run-record.ts";
import type { WdlObject, WdlValue } from "./wdl/values.ts";

export interface StopReason {
  readonly status: "Succeeded" | "Failed" | "Cancelled" | "TimedOut";
  readonly code?: string;
  readonly error?: WorkflowError;
}

/** One run: its variables, its answer, and whether something has ended it early. */
export class RunState {
  readonly definition: WorkflowDefinition;
  readonly ports: RunPorts;
  readonly clock: LocalClock;
  readonly parameters: Readonly<Record<string, WdlValue>>;
  readonly trigger: WdlObject;
  readonly workflow: WdlObject;
  readonly clientTrackingId: string;
  readonly traceId: string;
  readonly callbackUrl: string | undefined;
  readonly variables = new Map<string, { readonly type: string; value: WdlValue }>();
  readonly #onResponse: ((response: WorkflowResponse) => void) | undefined;
  readonly #stopping = new AbortController();
  /** Beside the signal, whose listeners cost more than most actions. */
  readonly #onStop = new Set<() => void>();
  readonly #index: ReadonlyMap<string, ActionDefinition>;
  #nowMs = NaN;
  #nowText = "";
  #response: WorkflowResponse | undefined;
  #stopReason: StopReason | undefined;

  constructor(options: {
    readonly definition: WorkflowDefinition;
    readonly ports: RunPorts;
    readonly parameters: Readonly<Record<string, WdlValue>>;
    readonly trigger: WdlObject;
    readonly workflow: WdlObject;
    readonly clientTrackingId: string;
    readonly traceId: string;
    readonly callbackUrl: string | undefined;
    readonly onResponse: ((response: WorkflowResponse) => void) | undefined;
  }) {
    this.definition = options.definition;
    this.ports = options.ports;
    this.clock = options.ports.clock;
    this.parameters = options.parameters;
    this.trigger = options.trigger;
    this.workflow = options.workflow;
    this.clientTrackingId = options.clientTrackingId;
    this.traceId = options.traceId;
    this.callbackUrl = options.callbackUrl;
    this.#onResponse = options.onResponse;
    this.#index = indexOf(options.definition);
  }

  /** The round-trip format of the language; a clock's milliseconds leave its last four digits empty. */
  nowText(): string {
    const now = this.clock.now();
    // Many actions of a run begin and end in the same millisecond.
    if (now !== this.#nowMs) {
      this.#nowMs = now;
      this.#nowText = `${new Date(now).toISOString().slice(0, -1)}0000Z`;
    }
    return this.#nowText;
  }

  get response(): WorkflowResponse | undefined {
    return this.#response;
  }

  /** False when an answer was given before. */
  respond(response: WorkflowResponse): boolean {
    if (this.#response !== undefined) return false;
    this.#response = response;
    this.#onResponse?.(response);
    return true;
  }

  get stopReason(): StopReason | undefined {
    return this.#stopReason;
  }

  get stopSignal(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Ends the run: running actions are cancelled, the rest is skipped. The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#stopReason !== undefined) return;
    this.#stopReason = reason;
    this.#stopping.abort();
    for (const call of this.#onStop) call();
  }

  /** Called once if the run ends early; gives a way to be called no more. */
  onStop(call: () => void): () => void {
    this.#onStop.add(call);
    return () => this.#onStop.delete(call);
  }

  /** Waits on the run's clock; ends at once when the run or the given signal stops. */
  sleep(ms: number, signal: AbortSignal = this.stopSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer: LocalTimer | undefined = undefined;
      const finish = (): void => {
        timer?.cancel();
        this.stopSignal.removeEventListener("abort", finish);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      if (signal.aborted || this.stopSignal.aborted) {
        resolve();
        return;
      }
      timer = this.clock.setTimer(finish, ms);
      this.stopSignal.addEventListener("abort", finish);
      signal.addEventListener("abort", finish);
    });
  }

  definitionOf(name: string): ActionDefinition | undefined {
    return this.#index.get(name);
  }

  scopes(): readonly (readonly [string, ActionDefinition])[] {
    return [...this.#index].filter(([, action]) => branchesOf(action).length > 0);
  }
}

/** A definition runs often and does not change. */
const indexes = new WeakMap<WorkflowDefinition, ReadonlyMap<string, ActionDefinition>>();

function indexOf(definition: WorkflowDefinition): ReadonlyMap<string, ActionDefinition> {
  const known = indexes.get(definition) ?? indexActions(definition);
  indexes.set(definition, known);
  return known;
}

function indexActions(definition: WorkflowDefinition): ReadonlyMap<string, ActionDefinition> {
  const index = new Map<string, ActionDefinition>();
  const visit = (actions: Readonly<Record<string, ActionDefinition>>): void => {
    for (const [name, action] of Object.entries(actions)) {
      index.set(name, action);
      for (const branch of branchesOf(action)) visit(branch.actions);
    }
  };
  visit(definition.actions ?? {});
  return index;
}
