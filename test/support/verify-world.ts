import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { Lane } from "../../functions/src/delivery/lane.ts";
import { createFinanceClient } from "../../functions/src/dynamics/finance-client.ts";
import type { LoadedFlow } from "../../functions/src/flows/load-flows.ts";
import type { HttpResponse } from "../../functions/src/platform/http.ts";
import { TableError } from "../../functions/src/platform/table-store.ts";
import type { TableStore } from "../../functions/src/platform/table-store.ts";
import {
  beginVerification,
  runVerification,
} from "../../functions/src/recovery/verify/run-verification.ts";
import type {
  VerifyDependencies,
  VerifyRequest,
} from "../../functions/src/recovery/verify/run-verification.ts";
import type { Verification } from "../../functions/src/recovery/verify/verification.ts";
import { createVerificationStore } from "../../functions/src/recovery/verify/verification-store.ts";
import { appConfig } from "./app-config.ts";
import type { WorldOptions } from "./delivery-world.ts";
import type { FaultyPorts } from "./faulty-ports.ts";
import { createFinanceFixture } from "./finance-fixture.ts";
import { lightFlow } from "./light-flow.ts";
import { ReplayWorld } from "./replay-world.ts";

/** The hour in which the simulated F&O posts. */
const hour = {
  since: Date.parse("2026-11-24T08:00:00Z"),
  until: Date.parse("2026-11-24T09:00:00Z"),
};
const nothing = { status: 200, body: JSON.stringify({ value: [] }) };

interface VerifyOptions extends Partial<Omit<VerifyRequest, "by">> {
  readonly signal?: AbortSignal;
  /** At the tables of the process that verifies. */
  readonly faults?: FaultyPorts;
}

/** A simulated F&O and a ledger into which nothing arrives by itself; verify compares and repairs. */
export class VerifyWorld {
  readonly fno = createFinanceFixture();
  readonly replay: ReplayWorld;
  /** Asked for each address that F&O is asked with; undefined: F&O answers. */
  answer: (url: string) => { readonly status: number; readonly body?: string } | undefined = () =>
    undefined;
  /** Of what F&O answers. */
  change: (body: string) => string = (body) => body;
  readonly asked: string[] = [];
  config = appConfig();
  readers: VerifyDependencies["readers"] = { ce: () => Promise.resolve(new Map()) };
  readonly #targets: readonly string[];

  constructor(flow: LoadedFlow = lightFlow(), options: WorldOptions = {}) {
    this.replay = new ReplayWorld(options);
    this.replay.flows = [flow];
    this.#targets = Object.keys(flow.targets);
    this.replay.finance = createFinanceClient({
      baseUrl: "https://finance.example",
      http: ({ url, headers }) => this.#ask(url, headers ?? {}),
      getToken: () => Promise.resolve("causeway"),
    });
  }

  async post(number: string, changes: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.fno.sim("POST", "/sim/post-invoice", { company: "usmf", number, ...changes });
    await this.fno.clock.advance(1_000);
  }

  /** F&O does not find the document's header. */
  hide(number: string): void {
    this.answer = (url) =>
      url.includes("HeadersV2") && decodeURIComponent(url).includes(`'${number}'`)
        ? nothing
        : undefined;
  }

  on(faults?: FaultyPorts): VerifyDependencies {
    const { clock, lane, memory } = this.replay.delivery;
    const failure = ({ label }: { readonly label: string }): Error =>
      new TableError("UNAVAILABLE", label);
    const store = faults?.port<TableStore>("store", memory, { failure }) ?? memory;
    return {
      ...this.replay.runner(clock, { store }),
      targets: new Map<string, Lane<CanonicalEvent>>(this.#targets.map((name) => [name, lane])),
      config: this.config,
      verifications: createVerificationStore(store),
      readers: this.readers,
    };
  }

  async verify({ faults, signal, ...changes }: VerifyOptions = {}): Promise<Verification> {
    const on = this.on(faults);
    const request = { ...hour, repair: false, include: [], by: "anna", ...changes };
    return runVerification(on, await beginVerification(on, request), signal);
  }

  /** The last one, however it ended. */
  async report(): Promise<Verification | undefined> {
    return (await createVerificationStore(this.replay.delivery.memory).list(1))[0];
  }

  /** "ce pending", "email skipped NOT_REPAIRED": the ledger's rows; the event's own is `intake`'s. */
  rows(): readonly string[] {
    const stored = this.replay.delivery.memory.rows("ledger202611");
    const texts = stored.map(({ columns: { rule, state, target } }) =>
      [target, state, rule].filter((part) => typeof part === "string" && part !== "").join(" "),
    );
    return texts.sort();
  }

  async #ask(url: string, headers: Readonly<Record<string, string>>): Promise<HttpResponse> {
    this.asked.push(url);
    const given = this.answer(url);
    if (given !== undefined) {
      return { status: given.status, headers: new Headers(), body: given.body ?? "" };
    }
    const { pathname, search } = new URL(url);
    const response = await this.fno.app.request(`${pathname}${search}`, { headers });
    const body = this.change(await response.text());
    return { status: response.status, headers: response.headers, body };
  }
}
