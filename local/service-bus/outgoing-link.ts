import rhea from "rhea";

import type { LocalClock } from "../clock.ts";
import { toUuidText } from "./amqp-value.ts";
import { BrokerError } from "./broker-error.ts";
import { toDeliveryTag } from "./lock-token.ts";
import type { Consumer, Delivery } from "./message-lane.ts";
import type { MessageQueue } from "./message-queue.ts";
import {
  confirmSettlement,
  CreditLedger,
  holdAttach,
  refuseSettlement,
  type RheaContext,
  type RheaOutcome,
  type RheaSender,
} from "./rhea-hooks.ts";
import type { SessionGrant } from "./session-table.ts";
import { toBytes } from "./stored-message.ts";

const sessionFilter = "com.microsoft:session-filter";
const plainFormat = 0;
const settled = 1;
const settledBySecond = 1;

/**
 * A link on which a client receives. Plain: opening → open → closed; its unsettled messages stay
 * locked until their locks expire. With a session: opening → (waiting for a session) → open → closed,
 * or lost when the lock expires; its unsettled messages go back at once.
 */
export function openOutgoingLink(
  link: RheaSender,
  queue: MessageQueue,
  clock: LocalClock,
): OutgoingLink {
  const outgoing = new OutgoingLink(link, queue, clock);
  outgoing.open();
  return outgoing;
}

export class OutgoingLink implements Consumer {
  readonly mode: Consumer["mode"];
  readonly #link: RheaSender;
  readonly #queue: MessageQueue;
  readonly #clock: LocalClock;
  readonly #credit: CreditLedger;
  #sessionId: string | undefined;
  #stopWaiting: () => void = () => undefined;
  #nextTag = 0;

  constructor(link: RheaSender, queue: MessageQueue, clock: LocalClock) {
    this.#clock = clock;
    this.#link = link;
    this.#queue = queue;
    this.mode = link.snd_settle_mode === settled ? "receiveAndDelete" : "peekLock";
    this.#credit = new CreditLedger(link, () => this.#pump());
  }

  open(): void {
    const link = this.#link;
    link.local.attach.snd_settle_mode = this.mode === "receiveAndDelete" ? settled : 0;
    link.local.attach.rcv_settle_mode = this.mode === "receiveAndDelete" ? 0 : settledBySecond;
    link.set_target({ address: link.target?.address ?? undefined });
    this.#listen();
    const filter = link.source?.filter ?? {};
    if (Object.hasOwn(filter, sessionFilter)) this.#openSession(filter[sessionFilter]);
    else {
      link.set_source({ address: link.source?.address ?? undefined });
      this.#queue.addConsumer(this);
    }
  }

  demand(): number {
    return this.#link.is_open() ? this.#credit.available : 0;
  }

  deliver(delivery: Delivery): void {
    this.#credit.use();
    this.#link.send(toBytes(delivery.message), this.#toTag(delivery.lockToken), plainFormat);
  }

  sessionLost(): void {
    this.#sessionId = undefined;
    this.#link.close({
      condition: "com.microsoft:session-lock-lost",
      description: "The session lock has expired on the session. Accept a new session.",
    });
  }

  /** The client closed it or its connection ended. */
  closed(): void {
    this.#stopWaiting();
    if (this.#sessionId !== undefined) this.#queue.sessions.free(this.#sessionId, this);
    else this.#queue.removeConsumer(this);
    this.#sessionId = undefined;
  }

  #openSession(wanted: unknown): void {
    this.#queue.requireReceiving();
    const { sessions } = this.#queue;
    if (typeof wanted === "string") {
      this.#holdSession(sessions.acquire(wanted, this));
      return;
    }
    holdAttach(this.#link);
    const timeoutMs = Number(this.#link.properties?.["com.microsoft:timeout"] ?? 60_000);
    const timer = this.#clock.setTimer(() => this.#noSession(), timeoutMs);
    const stop = sessions.acquireNext({
      consumer: this,
      granted: (grant) => {
        timer.cancel();
        this.#holdSession(grant);
        this.#link.open();
      },
    });
    this.#stopWaiting = () => {
      timer.cancel();
      stop();
    };
  }

  #noSession(): void {
    this.#stopWaiting();
    this.#link.open();
    this.#link.close({
      condition: "com.microsoft:timeout",
      description: "No session with messages became free in time.",
    });
  }

  #holdSession(grant: SessionGrant): void {
    this.#sessionId = grant.sessionId;
    this.#link.set_source({
      address: this.#link.source?.address ?? undefined,
      filter: { [sessionFilter]: grant.sessionId },
    });
    this.#link.local.attach.properties = {
      "com.microsoft:locked-until-utc": rhea.types.wrap_long(toDotNetTicks(grant.lockedUntilMs)),
    };
  }

  #listen(): void {
    const link = this.#link;
    link.on("sendable", () => {
      this.#pump();
      this.#credit.answerDrain();
    });
    link.on("accepted", (context) => this.#settle(context, (token) => this.#queue.complete(token)));
    link.on("released", (context) => this.#settle(context, (token) => this.#queue.abandon(token)));
    link.on("modified", (context) =>
      this.#settle(context, (token, state) => this.#modify(token, state)),
    );
    link.on("rejected", (context) =>
      this.#settle(context, (token, state) => this.#reject(token, state)),
    );
  }

  #settle(context: RheaContext, apply: (token: string, state: RheaOutcome) => void): void {
    const { delivery } = context;
    if (this.mode === "receiveAndDelete") return;
    try {
      apply(toToken(delivery.tag), delivery.remote_state ?? {});
      confirmSettlement(delivery);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      refuseSettlement(delivery, { condition: error.condition, description: error.message });
    }
  }

  #modify(token: string, state: RheaOutcome): void {
    const changes = state.message_annotations ?? {};
    if (state.undeliverable_here === true) this.#queue.defer(token, changes);
    else this.#queue.abandon(token, changes);
  }

  #reject(token: string, state: RheaOutcome): void {
    const { DeadLetterReason, DeadLetterErrorDescription, ...properties } = state.error?.info ?? {};
    this.#queue.deadLetter(token, {
      reason: toOptionalText(DeadLetterReason),
      description: toOptionalText(DeadLetterErrorDescription),
      properties,
    });
  }

  #pump(): void {
    if (this.#sessionId === undefined) this.#queue.pump();
    else this.#queue.sessions.pump(this.#sessionId);
  }

  #toTag(lockToken: string | undefined): Buffer {
    if (lockToken !== undefined) return toDeliveryTag(lockToken);
    const tag = Buffer.allocUnsafe(4);
    tag.writeUInt32BE(this.#nextTag);
    this.#nextTag = (this.#nextTag + 1) >>> 0;
    return tag;
  }
}

function toOptionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function toToken(tag: Buffer): string {
  // The same exchange of bytes leads there and back.
  return toUuidText(toDeliveryTag(toUuidText(tag)));
}

/** 100 ns since year 1, as 8 bytes: the number is above 2^53. */
function toDotNetTicks(ms: number): Buffer {
  const ticks = Buffer.alloc(8);
  ticks.writeBigInt64BE(BigInt(ms) * 10_000n + 621_355_968_000_000_000n);
  return ticks;
}
