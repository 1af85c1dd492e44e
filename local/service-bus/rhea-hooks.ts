import rhea from "rhea";

/*
 * The one place that knows rhea from the inside (3.0.5, pinned). A broker needs what rhea's public face
 * does not offer: raw bytes instead of decoded messages, its own answer to `drain`, attaching late, and
 * slots freed for receivers who never settle. No prototype is changed, only instances: the client in
 * the same process may share this copy of rhea.
 */

export interface AmqpErrorFields {
  readonly condition: string;
  readonly description: string;
}

export interface RheaDelivery {
  readonly tag: Buffer;
  remote_settled: boolean;
  readonly remote_state: RheaOutcome | undefined;
  update(settled: boolean, state: unknown): void;
  accept(): void;
  reject(error: AmqpErrorFields): void;
}

export interface RheaOutcome {
  readonly error?: {
    readonly condition?: string;
    readonly info?: Readonly<Record<string, unknown>>;
  };
  readonly undeliverable_here?: boolean;
  readonly message_annotations?: Readonly<Record<string, unknown>>;
}

interface RheaTerminus {
  readonly address?: string | null;
  readonly filter?: Readonly<Record<string, unknown>> | null;
}

interface RheaLink {
  readonly name: string;
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  readonly source: RheaTerminus | null;
  readonly target: RheaTerminus | null;
  readonly properties: Readonly<Record<string, unknown>> | null | undefined;
  readonly snd_settle_mode: number | null;
  readonly rcv_settle_mode: number | null;
  readonly state: { local_open: boolean; open_requests: number };
  readonly local: { readonly attach: LocalAttach };
  delivery_count: number;
  credit: number;
  issue_flow: boolean;
  set_source(fields: object): void;
  set_target(fields: object): void;
  open(): void;
  close(error?: AmqpErrorFields): void;
  is_open(): boolean;
  on(event: string, listener: (context: RheaContext) => void): unknown;
}

interface LocalAttach {
  snd_settle_mode: number | null;
  rcv_settle_mode: number | null;
  max_message_size: number;
  properties: Readonly<Record<string, unknown>>;
}

interface FlowFrame {
  readonly performative: {
    readonly delivery_count: number | null;
    readonly link_credit: number | null;
    readonly drain: boolean | null;
  };
}

/** A link on which the client receives. */
export interface RheaSender extends RheaLink {
  _get_drain(): boolean;
  on_flow(frame: FlowFrame): void;
  send(payload: unknown, tag?: Buffer, format?: number): RheaDelivery;
}

/** A link on which the client sends. */
export interface RheaReceiver extends RheaLink {
  readonly [raw]?: true;
  add_credit(credit: number): void;
}

export interface RheaSession {
  readonly outgoing: {
    available(): number;
    readonly next_pending_delivery: number;
    readonly next_delivery_id: number;
  };
  on_transfer(frame: TransferFrame): void;
  on_flow(frame: unknown): void;
  _get_link(frame: TransferFrame): RheaReceiver;
}

interface TransferFrame {
  readonly performative: { message_format: number | null };
}

export interface RheaConnection {
  readonly hostname: string | null | undefined;
  output(): void;
  accept(socket: RheaSocket): void;
  eof(): void;
  is_open(): boolean;
  close(error?: AmqpErrorFields): void;
  find_sender(filter: (link: RheaSender) => boolean): RheaSender | undefined;
  _write_frame(): void;
  _register(): void;
}

export interface RheaContext {
  readonly connection: RheaConnection;
  readonly session: RheaSession;
  readonly sender: RheaSender;
  readonly receiver: RheaReceiver;
  readonly delivery: RheaDelivery;
  readonly message: unknown;
  readonly format?: number | null;
  readonly error?: Error;
}

export interface RheaSocket {
  readonly bytesWritten: number;
  cork(): void;
  uncork(): void;
  on(event: "data" | "close", listener: () => void): unknown;
}

export interface RheaContainer {
  readonly sasl_server_mechanisms: { enable_anonymous(): void };
  on(event: string, listener: (context: RheaContext) => void): unknown;
  create_connection(options: object): RheaConnection;
}

const raw = Symbol("raw");

/** A link of answers: nobody settles them, and unsettled ones would fill the session's 2048 places. */
export function answerSettled(link: RheaSender): void {
  link.local.attach.snd_settle_mode = settledBySender;
}

const settledBySender = 1;

/** Stands for "a plain message, not decoded"; any format but 0 keeps rhea from decoding. */
const plainFormat = 0x7fff0000;
export const batchFormat = 0x80013700;

export function createContainer(): RheaContainer {
  const container = rhea.create_container({
    id: "causeway-service-bus",
  }) as unknown as RheaContainer;
  // The client names itself and proves who it is later, over $cbs.
  container.sasl_server_mechanisms.enable_anonymous();
  return container;
}

export function createConnection(container: RheaContainer): RheaConnection {
  return container.create_connection({
    max_frame_size: 65_536,
    tcp_no_delay: true,
    reconnect: false,
    // The client's own buffer holds 2048; without credit its `send` gives up after a second.
    receiver_options: { credit_window: 2000, autoaccept: false, autosettle: false },
    sender_options: { autosettle: false, treat_modified_as_released: false },
  });
}

/** Lets the session hand over the bytes of messages on links marked by `keepRaw`. */
export function installRawTransfers(session: RheaSession): void {
  const onTransfer = session.on_transfer.bind(session);
  session.on_transfer = (frame) => {
    const { performative } = frame;
    if (session._get_link(frame)[raw] === true && performative.message_format !== batchFormat) {
      performative.message_format = plainFormat;
    }
    onTransfer(frame);
  };
}

export function keepRaw(receiver: RheaReceiver): void {
  Object.defineProperty(receiver, raw, { value: true });
}

/**
 * Writes a tick's frames at once, and answers a read that caused no write with an empty frame. That
 * frame carries the TCP acknowledgement: the client's socket has Nagle's algorithm on and would hold
 * its next small frame for the kernel's delayed ACK, 40 ms each time.
 */
export function acceptSocket(connection: RheaConnection, socket: RheaSocket): void {
  const output = connection.output.bind(connection);
  let isCorked = false;
  connection.output = () => {
    if (!isCorked) {
      isCorked = true;
      socket.cork();
      process.nextTick(() => {
        isCorked = false;
        socket.uncork();
      });
    }
    output();
  };
  connection.accept(socket);
  let isWatching = false;
  socket.on("data", () => {
    if (isWatching) return;
    isWatching = true;
    const before = socket.bytesWritten;
    setImmediate(() => {
      isWatching = false;
      if (socket.bytesWritten === before && connection.is_open()) connection._write_frame();
    });
  });
}

/** Keeps the attach answer back until `link.open()`; for receivers who wait for a session. */
export function holdAttach(link: RheaSender): void {
  link.state.local_open = false;
  link.state.open_requests = 0;
}

/**
 * Counts credit itself, because rhea lowers `credit` a tick after a message was handed to it, and
 * answers every drain: rhea's own answer stays out when the credit was used up on the way.
 */
export class CreditLedger {
  readonly #link: RheaSender;
  /** Deliveries that the client allows in all, and those it got or gave up by draining. */
  #allowed = 0;
  #used = 0;
  #isDraining = false;

  constructor(link: RheaSender, onCredit: () => void) {
    this.#link = link;
    const onFlow = link.on_flow.bind(link);
    link.on_flow = (frame) => {
      const { delivery_count, link_credit, drain } = frame.performative;
      onFlow(frame);
      this.#allowed = (delivery_count ?? 0) + (link_credit ?? 0);
      onCredit();
      if (drain === true) this.#isDraining = true;
      this.answerDrain();
    };
    link._get_drain = () => this.#drainNow();
    // A drain may have to wait for the session's window; its flows do not always name a link.
    const { session } = link;
    const onSessionFlow = session.on_flow.bind(session);
    session.on_flow = (frame) => {
      onSessionFlow(frame);
      this.answerDrain();
    };
  }

  get available(): number {
    return Math.min(this.#allowed - this.#used, this.#link.session.outgoing.available());
  }

  use(): void {
    this.#used += 1;
  }

  /** To be called when the link could not send all and can again. */
  answerDrain(): void {
    if (!this.#isDraining) return;
    this.#link.issue_flow = true;
    this.#link.connection._register();
  }

  /** Called by rhea when it writes a flow, after the transfers that are on their way. */
  #drainNow(): boolean {
    const { outgoing } = this.#link.session;
    const isSending = outgoing.next_pending_delivery < outgoing.next_delivery_id;
    if (!this.#isDraining || isSending) return false;
    this.#isDraining = false;
    this.#used = Math.max(this.#used, this.#allowed);
    this.#link.delivery_count += this.#link.credit;
    this.#link.credit = 0;
    return true;
  }
}

/** Tells the receiver that its settlement succeeded. */
export function confirmSettlement(delivery: RheaDelivery): void {
  delivery.update(true, accepted);
  releaseSlot(delivery);
}

export function refuseSettlement(delivery: RheaDelivery, error: AmqpErrorFields): void {
  delivery.update(true, rheaOutcomes.rejected({ error }).described());
  releaseSlot(delivery);
}

/** The client never settles its side of a mode-second link; without this rhea stalls after 2048. */
function releaseSlot(delivery: RheaDelivery): void {
  delivery.remote_settled = true;
}

interface RheaOutcomes {
  accepted(): { described(): unknown };
  rejected(fields: { readonly error: AmqpErrorFields }): { described(): unknown };
}

const rheaOutcomes = rhea.message as unknown as RheaOutcomes;
const accepted = rheaOutcomes.accepted().described();
