import { createDeliveryRow } from "../../functions/src/delivery/ledger-rows.ts";
import { FinanceError } from "../../functions/src/dynamics/finance-client.ts";
import type {
  FinanceClient,
  FinanceErrorCode,
  FinanceQuery,
} from "../../functions/src/dynamics/finance-client.ts";
import type { Outcome } from "../../functions/src/targets/target.ts";
import { salesInvoicePosted } from "./business-event.ts";
import { numberedEvent } from "./numbered-event.ts";
import type { ReplayWorld } from "./replay-world.ts";
import { salesInvoiceRows } from "./scripted-finance.ts";

const refusal: Outcome = { kind: "reject", code: "CE_ROW_CLOSED", reason: "the row is paid" };

/** Accepts `count` numbered events with what came in for them, whose deliveries the target refuses. */
export async function failReadable(world: ReplayWorld, count: number): Promise<void> {
  const { clock, ledger, target } = world.delivery;
  for (let n = 1; n <= count; n += 1) {
    const { data, id, time, traceparent } = numberedEvent(n);
    const start = { state: "received", acceptedAt: clock.now(), traceparent } as const;
    const raw = JSON.stringify({
      ...salesInvoicePosted,
      EventId: id,
      EventTimeIso8601: time,
      InvoiceId: data?.number,
    });
    const row = createDeliveryRow({ eventId: id, time, target: "intake" }, start);
    await ledger.insert([{ row, raw }]);
    target.answers.push(refusal);
    await world.delivery.accept(numberedEvent(n));
  }
  await world.work();
}

/** Of the numbered events: 1, 2, … */
type Read = (documents: readonly number[], signal: AbortSignal) => Promise<void> | void;

export interface ReplayFinance extends FinanceClient {
  /** Asked at every read of documents: it may take its time, or throw. */
  onRead: Read;
  email: string;
}

/** An F&O that has every numbered event's invoice. */
export function createReplayFinance(onRead: Read = () => undefined): ReplayFinance {
  const finance: ReplayFinance = {
    onRead,
    email: "ap@contoso-retail.example",
    readAll: async <Row>(query: FinanceQuery, signal: AbortSignal): Promise<readonly Row[]> => {
      const numbers = query.anyOf.map((condition) => /'([^']*)'/.exec(condition)?.[1] ?? "");
      if (query.entitySet === "CustomersV3") {
        return [{ ...rowOf("CustomersV3"), PrimaryContactEmail: finance.email } as Row];
      }
      const isHeaders = query.entitySet === "SalesInvoiceHeadersV2";
      if (isHeaders) await finance.onRead(numbers.map(toNumber), signal);
      const name = isHeaders ? "InvoiceNumber" : "InvoiceId";
      return numbers.map((number) => ({ ...rowOf(query.entitySet), [name]: number }) as Row);
    },
  };
  return finance;
}

export function toFinanceError(code: FinanceErrorCode, afterMs?: number): FinanceError {
  const isAway = code === "FINANCE_UNREACHABLE";
  return new FinanceError(code, {
    entitySet: "SalesInvoiceHeadersV2",
    unreachable: isAway,
    ...(afterMs === undefined ? {} : { afterMs }),
  });
}

/** Takes so long, or until nobody waits for it any more. */
export async function takeTime(world: ReplayWorld, ms: number, signal: AbortSignal): Promise<void> {
  const stepMs = 240;
  for (let left = ms; left > 0; left -= stepMs) {
    await world.pass(Math.min(left, stepMs));
    if (signal.aborted) throw toFinanceError("FINANCE_UNREACHABLE");
  }
}

function rowOf(entitySet: string): Readonly<Record<string, unknown>> {
  return salesInvoiceRows[entitySet]?.[0] ?? {};
}

function toNumber(number: string): number {
  return Number(number.replace(/\D/g, ""));
}
