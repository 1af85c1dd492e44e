import type { OutgoingMessage } from "../platform/messages.ts";
import type { Target } from "../targets/target.ts";
import type { Budget } from "./budgets.ts";
import type { DeliveryId, DeliveryRow } from "./ledger-rows.ts";
import type { PolicySettings } from "./policy.ts";

/** A message that asks for one delivery; everything else is in the ledger. */
export interface WakeUp<Body> extends DeliveryId {
  readonly hop: number;
  readonly traceparent: string;
  /** Undefined when it stayed in the ledger (claim check). */
  readonly body: Body | undefined;
  /** Somebody may have worked on it before. */
  readonly isRedelivered?: boolean;
}

/** A target and how its deliveries travel. */
export interface Lane<Body> {
  readonly target: Target<Body>;
  /** Where its wake-ups are sent. */
  readonly entity: string;
  /** Null for the queue of the pseudo-target. */
  readonly subscription: string | null;
  readonly budget: Budget;
  /** False when an effect must never be made twice: its claim is looked up before each call. */
  readonly repeatable: boolean;
  /** The state of a row that this lane has to create itself. */
  readonly firstState: "received" | "pending";
  /** The rules that are known before the target is asked. */
  prepare(
    body: Body,
    now: number,
  ): { readonly skip: string } | { readonly settings: PolicySettings };
  effectKeyOf(body: Body): string;
  /** For telemetry only; empty when the body belongs to none. */
  flowOf(body: Body): string;
  /** Of the document, in a flow marked `versioned`: an older one never goes over a newer one. */
  versionOf(body: Body): bigint | null;
  loadBody(id: DeliveryId): Promise<Body>;
  /** What the ledger keeps of a body that comes in here for the first time; null: it has it already. */
  toRaw(body: Body): string | null;
  toWakeUpMessage(body: Body, row: DeliveryRow): OutgoingMessage;
  toFailureMessage(body: Body, row: DeliveryRow): OutgoingMessage;
}

/** One wake-up with what the ledger knows of its delivery. */
export interface Item<Body> {
  readonly row: DeliveryRow;
  readonly etag: string;
  /** From this process's memory: what another one wrote since then is not in it. */
  readonly isRemembered?: boolean;
  readonly hop: number;
  readonly body: Body;
}
