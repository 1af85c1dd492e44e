/*
 * The built-in probe: every five minutes one message per target goes the way of a delivery, through the
 * topic, the subscription's filter and the function, and asks the target in dry-run for an invoice that
 * nobody has. It has no ledger row, no claim and no place in a budget, so it is in nobody's figures; what
 * it finds is told as `probe` and `causeway.probe.lag`, and when nothing is told, that is the alarm.
 */
import type { CanonicalEvent } from "../../../schemas/types/canonical-event.ts";
import { asError } from "../platform/causeway-error.ts";
import type { Clock } from "../platform/clock.ts";
import { toStableId } from "../platform/effect-key.ts";
import { routingProperty } from "../platform/messages.ts";
import type { OutgoingMessage } from "../platform/messages.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { toRootTraceparent } from "../platform/trace.ts";
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
}

export interface Probe {
  /** One message per flow and target, all of one round. */
  messages(): readonly OutgoingMessage[];
  /** Tells what it finds; never throws. */
  run(message: ProbeMessage, signal: AbortSignal): Promise<void>;
}

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
}

export function isProbeMessage(body: unknown): body is ProbeMessage {
  return typeof body === "object" && body !== null && "type" in body && body.type === probeType;
}

export function createProbe(options: ProbeOptions): Probe {
  const { clock, telemetry } = options;
  const targets = new Map(options.targets.map((target) => [target.name, target]));
  return {
    messages: () => {
      const time = new Date(clock.now()).toISOString();
      return options.flows.flatMap(({ name: flow, targets: names }) =>
        names.filter((name) => targets.has(name)).map((target) => toMessage(flow, target, time)),
      );
    },
    run: async (message, signal) => {
      const { target: name } = message;
      const lagMs = Math.max(clock.now() - Date.parse(message.time), 0);
      const target = targets.get(name);
      if (target === undefined) return;
      const finding = (await options.isCalled(name))
        ? toFinding(await ask(target, message, signal), lagMs)
        : { result: "notCalled", code: "" };
      if (finding === null) return;
      telemetry.event("probe", { target: name, ...finding }, { lagMs });
      telemetry.metric("causeway.probe.lag", lagMs / 1_000, { target: name });
    },
  };
}

function toMessage(flow: string, target: string, time: string): OutgoingMessage {
  const id = toStableId("probe", flow, target, time);
  const body: ProbeMessage = { specversion: "1.0", type: probeType, id, time, target, flow };
  return {
    messageId: id,
    body: JSON.stringify(body),
    properties: { [routingProperty(target)]: "1", target },
  };
}

async function ask(
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
function toFinding(
  outcome: Outcome | null,
  lagMs: number,
): { readonly result: string; readonly code: string } | null {
  if (outcome === null) return null;
  const code = "code" in outcome ? outcome.code : "";
  return { result: !isHealthy(outcome) ? "failed" : lagMs > lateMs ? "late" : "ok", code };
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
