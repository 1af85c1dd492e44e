import type { LocalClock, LocalTimer } from "../clock.ts";
import { type ActionDefinition, type WorkflowDefinition, branchesOf } from "./definition.ts";
import type { RunPorts } from "./run-ports.ts";
import type { WorkflowError, WorkflowResponse } from "./run-record.ts";
import { fromEpochMs, toRoundTrip } from "./wdl/date-time.ts";
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
  readonly #index: ReadonlyMap<string, ActionDefinition>;
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
    this.#index = indexActions(options.definition);
  }

  nowText(): string {
    return toRoundTrip(fromEpochMs(this.clock.now()));
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
