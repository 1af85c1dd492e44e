import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { entities } from "../platform/messages.ts";
import type { Target } from "../targets/target.ts";
import type { Budget } from "./budgets.ts";
import type { Lane } from "./lane.ts";
import type { Ledger } from "./ledger.ts";
import { defaultSettings } from "./policy.ts";
import type { PolicySettings } from "./policy.ts";
import { toDeadLetter, toDeliveryMessage, toIntakeMessage } from "./wake-up-messages.ts";

export interface TargetLaneOptions {
  readonly target: Target<CanonicalEvent>;
  readonly ledger: Ledger;
  readonly maxMessageBytes: number;
  readonly budget: Budget;
  /** The effect must never be made twice. */
  readonly once: boolean;
  /** Whether the event's flow has versions of a document. */
  readonly isVersioned: (event: CanonicalEvent) => boolean;
  /** The rules of flow, stack and company for this document now. */
  readonly resolve: (
    event: CanonicalEvent,
    now: number,
  ) => { readonly skip: string } | { readonly retry: PolicySettings };
}

/** Canonical events on their way from the topic to one target. */
export function createTargetLane(options: TargetLaneOptions): Lane<CanonicalEvent> {
  const { target, ledger, maxMessageBytes, budget, once } = options;
  return {
    target,
    entity: entities.integrationEvents,
    subscription: target.name,
    budget,
    repeatable: !once,
    firstState: "pending",
    prepare: (event, now) => {
      const resolved = options.resolve(event, now);
      return "skip" in resolved ? resolved : { settings: resolved.retry };
    },
    effectKeyOf: (event) => event.effectkey,
    flowOf: (event) => event.flow,
    loadBody: (id) => ledger.loadDeliveryBody(id),
    versionOf: (event) => (options.isVersioned(event) ? BigInt(event.controlnumber) : null),
    // Accepted with its body before it was published.
    toRaw: () => null,
    toWakeUpMessage: (event, row) => toDeliveryMessage(event, row, maxMessageBytes),
    toFailureMessage: (event, row) => toDeadLetter(event, row, maxMessageBytes),
  };
}

/** Business events on their way from the queue to "published". */
export function createIntakeLane(options: {
  readonly target: Target<unknown>;
  readonly ledger: Ledger;
  readonly maxMessageBytes: number;
  readonly flowOf: (raw: unknown) => string;
}): Lane<unknown> {
  const { target, ledger, maxMessageBytes, flowOf } = options;
  return {
    target,
    entity: entities.businessEvents,
    subscription: null,
    budget: {},
    repeatable: true,
    firstState: "received",
    prepare: () => ({ settings: defaultSettings }),
    effectKeyOf: () => {
      throw new TypeError("intake has no effect of its own");
    },
    flowOf,
    versionOf: () => null,
    loadBody: async (id) => JSON.parse(await ledger.loadRaw(id.eventId, id.time)) as unknown,
    toRaw: (raw) => JSON.stringify(raw),
    toWakeUpMessage: (raw, row) => toIntakeMessage(raw, row, maxMessageBytes),
    toFailureMessage: (raw, row) => toDeadLetter({ raw }, row, maxMessageBytes),
  };
}
