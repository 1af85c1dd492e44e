/**
 * What F&O does with a raised event: queued → sending (tries one second apart) → sent | error. An error
 * stays until somebody resends it, which runs the whole cycle again; nothing is resent by itself.
 */
import type { LocalClock } from "../clock.ts";
import type { RaisedEvent } from "./business-event.ts";
import { inlineSecret } from "./event-endpoint.ts";
import type { Door, EventEndpoint, EventSenders } from "./event-endpoint.ts";
import { FinanceError } from "./finance-error.ts";

export interface OutboxOptions {
  readonly clock: LocalClock;
  readonly senders: EventSenders;
  readonly getSecret: (vaultUrl: string, name: string) => Promise<string>;
  readonly log: (line: string) => void;
}

/** One event to one endpoint. */
export interface Sending {
  readonly event: RaisedEvent;
  readonly endpoint: string;
  readonly door: Door;
  state: "queued" | "sending" | "sent" | "error";
  /** Tries of the latest cycle. */
  tries: number;
  /** When the receiver acknowledged. */
  sentAtMs: number | undefined;
  lastError: string | undefined;
}

const TRIES = 3;
const RETRY_WAIT_MS = 1000;
const SECRET_CACHE_MS = 300_000;
/** F&O's batch sends with up to four threads per server. */
const MAX_IN_FLIGHT = 4;
/** Older sendings that ended well are forgotten, or a load run would fill the memory: these are about 40 MB. */
const MAX_KEPT = 50_000;

export class EventOutbox {
  readonly #options: OutboxOptions;
  readonly #secrets = new Map<string, { readonly value: string; readonly untilMs: number }>();
  readonly #waiting: (() => void)[] = [];
  readonly #sendings: Sending[] = [];
  #inFlight = 0;
  #endpoints: readonly EventEndpoint[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get endpoints(): readonly EventEndpoint[] {
    return this.#endpoints;
  }

  get sendings(): readonly Sending[] {
    return this.#sendings;
  }

  /** Endpoints with secrets of old are forgotten too. */
  configure(endpoints: readonly EventEndpoint[]): void {
    this.#endpoints = endpoints;
    this.#secrets.clear();
  }

  /** The endpoints that an event of this company goes to: the wanted doors, or all that are active. */
  endpointsFor(legalEntity: string, doors: readonly Door[]): readonly EventEndpoint[] {
    const active = this.#endpoints.filter(
      ({ legalEntities }) => legalEntities?.includes(legalEntity) ?? true,
    );
    const missing = doors.find((door) => !active.some(({ type }) => type === door));
    if (missing !== undefined) {
      throw new FinanceError("NO_ENDPOINT", `No ${missing} endpoint is active in ${legalEntity}`);
    }
    return doors.length === 0 ? active : active.filter(({ type }) => doors.includes(type));
  }

  /** Ends when the event was sent or stands in the error list; never rejects. */
  async send(event: RaisedEvent, endpoint: EventEndpoint): Promise<Sending> {
    const sending: Sending = {
      event,
      endpoint: endpoint.name,
      door: endpoint.type,
      state: "queued",
      tries: 0,
      sentAtMs: undefined,
      lastError: undefined,
    };
    this.#keep(sending);
    await this.#cycle(sending, endpoint);
    return sending;
  }

  /** Runs the whole cycle again for what stands in the error list; the newest endpoint of that name counts. */
  async resend(sending: Sending): Promise<void> {
    const endpoint = this.#endpoints.find(({ name }) => name === sending.endpoint);
    if (endpoint === undefined) {
      throw new FinanceError("NO_ENDPOINT", `There is no endpoint ${sending.endpoint} any more`);
    }
    sending.state = "queued";
    await this.#cycle(sending, endpoint);
  }

  async #cycle(sending: Sending, endpoint: EventEndpoint): Promise<void> {
    await this.#acquire();
    try {
      await this.#tryAll(sending, endpoint);
    } finally {
      this.#release();
    }
  }

  async #tryAll(sending: Sending, endpoint: EventEndpoint): Promise<void> {
    const { clock, log } = this.#options;
    sending.state = "sending";
    for (sending.tries = 1; ; sending.tries += 1) {
      try {
        await this.#trySend(sending.event, endpoint);
        sending.state = "sent";
        sending.sentAtMs = clock.now();
        sending.lastError = undefined;
        return;
      } catch (error) {
        sending.lastError = error instanceof Error ? error.message : String(error);
      }
      if (sending.tries >= TRIES) break;
      await clock.sleep(RETRY_WAIT_MS);
    }
    sending.state = "error";
    log(
      `F&O: ${sending.event.businessEventId} ${sending.event.eventId} was not taken by ` +
        `${endpoint.name} in ${TRIES} tries and stands in the error list`,
    );
  }

  async #trySend(event: RaisedEvent, endpoint: EventEndpoint): Promise<void> {
    const { senders } = this.#options;
    const secret = await this.#readSecret(endpoint);
    if (endpoint.type === "eventGrid") await senders.eventGrid(endpoint, secret, event);
    else if (endpoint.type === "serviceBus") await senders.serviceBus(endpoint, secret, event);
    else await senders.https(endpoint, secret, event);
  }

  async #readSecret(endpoint: EventEndpoint): Promise<string> {
    const { clock, getSecret } = this.#options;
    const { keyVaultUrl, secretName } = endpoint;
    if (keyVaultUrl === undefined || secretName === undefined) {
      const inline = inlineSecret(endpoint);
      if (inline !== undefined) return inline;
      throw new FinanceError("SECRET_UNREADABLE", `Endpoint ${endpoint.name} names no secret`);
    }
    const name = `${keyVaultUrl} ${secretName}`;
    const known = this.#secrets.get(name);
    if (known !== undefined && clock.now() < known.untilMs) return known.value;
    try {
      const value = await getSecret(keyVaultUrl, secretName);
      this.#secrets.set(name, { value, untilMs: clock.now() + SECRET_CACHE_MS });
      return value;
    } catch (error) {
      throw new FinanceError(
        "SECRET_UNREADABLE",
        `The secret ${secretName} could not be read from ${keyVaultUrl}`,
        error,
      );
    }
  }

  #acquire(): Promise<void> {
    if (this.#inFlight < MAX_IN_FLIGHT) {
      this.#inFlight += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next();
  }

  #keep(sending: Sending): void {
    this.#sendings.push(sending);
    if (this.#sendings.length <= MAX_KEPT) return;
    const oldest = this.#sendings.findIndex(({ state }) => state === "sent");
    if (oldest !== -1) this.#sendings.splice(oldest, 1);
  }
}
