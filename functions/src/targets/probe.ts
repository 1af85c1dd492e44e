/*
 * The built-in probe: every five minutes one message per target goes the way of a delivery, through the
 * topic, the subscription's filter and the function, and asks the target in dry-run for an invoice that
 * nobody has. It has no ledger row, no claim and no place in a budget, so it is in nobody's figures; what
 * it finds is told as `probe` and `causeway.probe.lag`, and when nothing is told, that is the alarm.
 *
 * A round that a person begins (`causeway doctor`, docs/decisions/0080) goes the same way, asks what stands
 * behind a workflow as well, and writes each answer where the person reads it.
 */
import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { asError } from "../platform/causeway-error.ts";
import type { Clock } from "../platform/clock.ts";
import { toStableId } from "../platform/effect-key.ts";
import { routingProperty } from "../platform/messages.ts";
import type { OutgoingMessage } from "../platform/messages.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { toRootTraceparent } from "../platform/trace.ts";
import type { ProbeFinding, ProbePlace, ProbeResult, ProbeRounds } from "./probe-rounds.ts";
import type { Outcome, Target } from "./target.ts";

const probeType = "causeway.probe.v1";
/** No company has this id: nothing that is found by it is anybody's. */
const nobody = "causeway-probe";
const lateMs = 5 * 60_000;

interface ProbeMessage {
  readonly specversion: "1.0";
  readonly type: typeof probeType;
  readonly id: string;
  /** ISO 8601, of sending. */
  readonly time: string;
  readonly target: string;
  readonly flow: string;
  /** Of a round that a person began. */
  readonly round?: string;
}

export interface Probe {
  /** Where messages go: each flow's targets that are deployed here. */
  readonly places: readonly ProbePlace[];
  /** One message per place; `round`: the person's, who reads the answers under this id. */
  messages(round?: string): readonly OutgoingMessage[];
  /** Tells what it finds; never throws. */
  run(message: ProbeMessage, signal: AbortSignal): Promise<void>;
}

/** Asks what stands behind a target's workflow, by a step of it that writes nothing. Never throws. */
export type AskBehind = (id: string, signal: AbortSignal) => Promise<Outcome | null>;

export interface ProbeOptions {
  /** Made for the probe: whatever the stack says, they only ever run dry. */
  readonly targets: readonly Target<CanonicalEvent>[];
  readonly flows: readonly { readonly name: string; readonly targets: readonly string[] }[];
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /**
   * Whether deliveries call the target now. In an outage theirs is the one probe a minute, and this one
   * must not come on top of it. Never throws.
   */
  readonly isCalled: (target: string) => Promise<boolean>;
  /** By target; asked in a person's round only: every call of a workflow costs. */
  readonly behind: ReadonlyMap<string, AskBehind>;
  readonly rounds: Pick<ProbeRounds, "answer">;
}

export function isProbeMessage(body: unknown): body is ProbeMessage {
  return typeof body === "object" && body !== null && "type" in body && body.type === probeType;
}

export function createProbe(options: ProbeOptions): Probe {
  const { clock, telemetry } = options;
  const targets = new Map(options.targets.map((target) => [target.name, target]));
  const places = options.flows.flatMap(({ name: flow, targets: names }) =>
    names.filter((name) => targets.has(name)).map((target) => ({ flow, target })),
  );
  return {
    places,
    messages: (round) => {
      const time = new Date(clock.now()).toISOString();
      return places.map((place) => toMessage(place, time, round));
    },
    run: async (message, signal) => {
      const { target: name } = message;
      const lagMs = Math.max(clock.now() - Date.parse(message.time), 0);
      const target = targets.get(name);
      if (target === undefined) return;
      const finding = (await options.isCalled(name))
        ? toFinding(await ask(options, target, message, signal), lagMs)
        : toResult("notCalled");
      if (finding === null) return;
      telemetry.event("probe", { target: name, ...finding }, { lagMs });
      telemetry.metric("causeway.probe.lag", lagMs / 1_000, { target: name });
      await answer(options, message, finding);
    },
  };
}

function toMessage(place: ProbePlace, time: string, round: string | undefined): OutgoingMessage {
  const { flow, target } = place;
  const id = toStableId("probe", flow, target, round ?? time);
  const body: ProbeMessage = {
    ...{ specversion: "1.0", type: probeType, id, time, target, flow },
    ...(round === undefined ? {} : { round }),
  };
  return {
    messageId: id,
    body: JSON.stringify(body),
    properties: { [routingProperty(target)]: "1", target },
  };
}

async function answer(
  { clock, rounds, telemetry }: ProbeOptions,
  { flow, round, target, time }: ProbeMessage,
  finding: ProbeFinding,
): Promise<void> {
  if (round === undefined) return;
  const ms = Math.max(clock.now() - Date.parse(time), 0);
  try {
    await rounds.answer(round, { flow, target, ...finding, ms });
  } catch (error) {
    // Whoever waits for it is told that none came, and the ledger's own alarm says why.
    telemetry.error(asError(error), { name: "probe" });
  }
}

async function ask(
  { behind }: ProbeOptions,
  target: Target<CanonicalEvent>,
  message: ProbeMessage,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const outcome = await askTarget(target, message, signal);
  const askBehind = behind.get(target.name);
  if (message.round === undefined || askBehind === undefined) return outcome;
  return outcome === null || !isHealthy(outcome) ? outcome : askBehind(message.id, signal);
}

async function askTarget(
  target: Target<CanonicalEvent>,
  message: ProbeMessage,
  signal: AbortSignal,
): Promise<Outcome | null> {
  const { id: eventId, time } = message;
  const traceparent = toRootTraceparent(eventId);
  const body = toProbeEvent(message, traceparent);
  const request = {
    ...{ eventId, target: target.name, attempts: 0, hop: 1, generation: 0, memo: null },
    ...{ acceptedAt: Date.parse(time), traceparent, body },
  };
  try {
    const [outcome = null] = await target.deliver([request], signal);
    return outcome;
  } catch (error) {
    return { kind: "retry", code: "TARGET_THREW", reason: asError(error).name };
  }
}

/** Null: its time was up before the target was asked. */
function toFinding(outcome: Outcome | null, lagMs: number): ProbeFinding | null {
  if (outcome === null) return null;
  const code = "code" in outcome ? outcome.code : "";
  return toResult(!isHealthy(outcome) ? "failed" : lagMs > lateMs ? "late" : "ok", code);
}

function toResult(result: ProbeResult, code = ""): ProbeFinding {
  return { result, code };
}

/** `wait`: the target answered that it does not know the probe's customer, as it should. */
function isHealthy({ kind }: Outcome): boolean {
  return kind === "skipped" || kind === "wait";
}

function toProbeEvent(message: ProbeMessage, traceparent: string): CanonicalEvent {
  const { id, time, flow } = message;
  const date = time.slice(0, 10);
  return {
    ...{ specversion: "1.0", id, time, flow, traceparent, controlnumber: "0" },
    type: "dynamics365.finance.invoice.posted.v1",
    source: `/dynamics365/finance/probe/${nobody}`,
    subject: `${nobody}/${nobody}`,
    datacontenttype: "application/json",
    businesseventid: "causeway-probe",
    effectkey: id,
    data: {
      ...{ legalEntity: nobody, number: nobody, kind: "sales", documentType: "invoice" },
      ...{ correction: { isCorrection: false, corrects: null }, interCompany: false },
      ...{ oneTimeCustomer: false, language: "en-us", voucher: nobody, salesOrder: null },
      ...{ date, dueDate: date, postedAt: time, currency: "USD" },
      customer: {
        ...{ account: nobody, orderAccount: nobody, name: nobody },
        // No mail system takes this domain: https://www.rfc-editor.org/rfc/rfc2606
        email: "probe@causeway.invalid",
      },
      ...{ total: "0.00", tax: "0.00", charges: "0.00", discount: "0.00", accountingTotal: "0.00" },
      lines: [
        {
          ...{ number: 1, product: null, description: nobody, quantity: "1", unit: null },
          ...{ unitPrice: "0.00", amount: "0.00", tax: "0.00" },
        },
      ],
    },
  };
}
