import { readFileSync } from "node:fs";
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import type { CanonicalInvoice } from "../../schemas/types/canonical-invoice.ts";
import type { Mapping } from "../../schemas/types/mapping.ts";
import { compileMapping } from "../../functions/src/flows/compile-mapping.ts";
import type { Clock } from "../../functions/src/platform/clock.ts";
import { HttpError } from "../../functions/src/platform/http.ts";
import type { Http } from "../../functions/src/platform/http.ts";
import { createDataverseTarget } from "../../functions/src/targets/dataverse/create-dataverse-target.ts";
import type {
  CePolicy,
  DataverseTargetOptions,
} from "../../functions/src/targets/dataverse/create-dataverse-target.ts";
import type { DeliveryRequest, Outcome } from "../../functions/src/targets/target.ts";
import type { DataverseShape } from "../../local/dataverse/table-metadata.ts";
import type { FaultyPorts } from "./faulty-ports.ts";
import { createDataverseFixture, dataverseUrl } from "./dataverse-fixture.ts";
import type { DataverseFixture } from "./dataverse-fixture.ts";

/** What happens to a request on its way: `lost` arrives nowhere, `unanswered` is carried out. */
type Fault = "lost" | "unanswered" | { readonly status: number; readonly retryAfter?: string };

export interface CeTargetFixture extends DataverseFixture {
  readonly http: Http;
  readonly requests: { readonly method: string; readonly path: string; readonly body: string }[];
  /** Asked for each request; undefined lets it through. */
  faultOf: (request: {
    readonly method: string;
    readonly body: string;
  }) => Fault | undefined | Promise<undefined>;
  deliver(...events: readonly CanonicalEvent[]): Promise<readonly (Outcome | null)[]>;
  /** The same for events that failed before. */
  deliverAgain(...events: readonly CanonicalEvent[]): Promise<readonly (Outcome | null)[]>;
  deliverAborted(...events: readonly CanonicalEvent[]): Promise<readonly (Outcome | null)[]>;
}

/** The flow's own mapping file. */
export const ceMapping = JSON.parse(
  readFileSync(new URL("../../flows/invoice-posted/ce.mapping.json", import.meta.url), "utf8"),
) as Mapping;

const mapping = compileMapping(ceMapping);

/** The CE target on a simulated Dataverse without sockets, our columns installed. */
export async function createCeTargetFixture(
  policy: Partial<CePolicy> = {},
  options: Partial<DataverseTargetOptions> & {
    readonly entityIdStyle?: "guid" | "key";
    readonly installed?: boolean;
    readonly shape?: DataverseShape;
    /** Around the target's own ports, http and clock. */
    readonly faults?: FaultyPorts;
  } = {},
): Promise<CeTargetFixture> {
  const { entityIdStyle = "guid", installed = true, shape = "sales", ...rest } = options;
  const { faults, ...targetOptions } = rest;
  const dataverse = createDataverseFixture({ entityIdStyle, shape });
  if (installed) await dataverse.install();
  const http: Http = async (request) => {
    const { method, url, body = "" } = request;
    const path = url.slice(`${dataverseUrl}/api/data/v9.2/`.length);
    fixture.requests.push({ method, path, body });
    const fault = await fixture.faultOf({ method, body });
    if (fault === "lost") throw new HttpError("TIMEOUT", request, true);
    if (typeof fault === "object") {
      const headers = new Headers(
        fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter },
      );
      return { status: fault.status, headers, body: "" };
    }
    const response = await dataverse.app.request(url, {
      method,
      headers: request.headers ?? {},
      ...(method === "GET" ? {} : { body }),
    });
    if (fault === "unanswered") throw new HttpError("CONNECTION_RESET", request, true);
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const clock: Clock = {
    now: () => dataverse.clock.now(),
    sleep: (ms) => dataverse.clock.sleep(ms),
  };
  const target = createDataverseTarget({
    name: "ce",
    http: faults === undefined ? http : faults.port("http", http, { failure: noAnswer }),
    getToken: () => Promise.resolve("causeway"),
    baseUrl: dataverseUrl,
    clock: faults === undefined ? clock : faults.port("clock", clock, { sync: { now: true } }),
    mappingOf: () => mapping,
    policyOf: () => ({ mode: "live", ownership: "all", ...policy }),
    ...targetOptions,
  });
  const deliver = (
    events: readonly CanonicalEvent[],
    attempts: number,
    signal = new AbortController().signal,
  ): Promise<readonly (Outcome | null)[]> =>
    target.deliver(
      events.map((event) => toRequest(event, attempts)),
      signal,
    );
  const fixture: CeTargetFixture = {
    ...dataverse,
    http,
    requests: [],
    faultOf: () => undefined,
    deliver: (...events) => deliver(events, 0),
    deliverAgain: (...events) => deliver(events, 1),
    deliverAborted: (...events) => deliver(events, 0, AbortSignal.abort()),
  };
  return fixture;
}

/** The harsher one: it may have been carried out. */
function noAnswer(): HttpError {
  return new HttpError("CONNECTION_RESET", { method: "POST", url: dataverseUrl }, true);
}

/** Event number `index` with an effect key of its own. */
export function invoiceEvent(
  index: number,
  changes: Partial<CanonicalInvoice> = {},
): CanonicalEvent {
  const digits = String(index).padStart(12, "0");
  const data = { ...sampleInvoice, number: `CIV-${index}`, ...changes };
  return {
    specversion: "1.0",
    id: `7b1f0c52-3c0e-4b57-9a4b-${digits}`,
    type: "dynamics365.finance.invoice.posted.v1",
    source: `/dynamics365/finance/main/${data.legalEntity}`,
    subject: `${data.legalEntity}/${data.number}`,
    time: "2026-01-15T09:30:00.000Z",
    datacontenttype: "application/json",
    businesseventid: "SalesInvoicePostedBusinessEvent",
    flow: "invoice-posted",
    effectkey: `3b241101-e2bb-5255-8caf-${digits}`,
    controlnumber: "5637612045",
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    data,
  };
}

/** Line 1 is two speakers at 500, with changes. */
export function invoiceLine(
  changes: Partial<CanonicalInvoice["lines"][number]> = {},
): CanonicalInvoice["lines"][number] {
  return {
    number: 1,
    product: "D0001",
    description: "Mid-range speaker",
    quantity: "2",
    unit: "ea",
    unitPrice: "500.00",
    amount: "1000.00",
    tax: "83.00",
    ...changes,
  };
}

export function invoiceLines(count: number): CanonicalInvoice["lines"] {
  return Array.from({ length: count }, (_, index) => invoiceLine({ number: index + 1 }));
}

const sampleInvoice: CanonicalInvoice = {
  legalEntity: "usmf",
  number: "CIV-1",
  kind: "sales",
  documentType: "invoice",
  correction: { isCorrection: false, corrects: null },
  interCompany: false,
  oneTimeCustomer: false,
  language: "en-us",
  voucher: "ARPA-000045",
  date: "2026-01-15",
  dueDate: "2026-02-14",
  postedAt: "2026-01-15T09:30:00.000Z",
  customer: {
    account: "US-001",
    orderAccount: "US-001",
    name: "Contoso Retail",
    email: "ap@contoso-retail.example",
  },
  salesOrder: "000741",
  currency: "USD",
  total: "1083.00",
  tax: "83.00",
  charges: "0.00",
  discount: "0.00",
  accountingTotal: "1083.00",
  lines: invoiceLines(1),
};

function toRequest(event: CanonicalEvent, attempts: number): DeliveryRequest<CanonicalEvent> {
  return {
    eventId: event.id,
    target: "ce",
    attempts,
    hop: 0,
    generation: 0,
    memo: null,
    acceptedAt: 0,
    traceparent: event.traceparent,
    body: event,
  };
}
