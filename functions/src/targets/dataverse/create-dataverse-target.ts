import type { CanonicalEvent } from "../../../../schemas/types/canonical-event.ts";
import { createDataverseClient } from "../../dynamics/dataverse-client.ts";
import type { CompiledMapping } from "../../flows/compile-mapping.ts";
import { collectLookups, mapEvent } from "../../flows/map-event.ts";
import type { LookupReference, LookupRequest, MappedRecord } from "../../flows/map-event.ts";
import { asError } from "../../platform/causeway-error.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Http } from "../../platform/http.ts";
import type { GetToken } from "../../platform/token.ts";
import type { DeliveryRequest, Outcome, Target } from "../target.ts";
import { toInvoiceDocument, UnfitValueError } from "./invoice-document.ts";
import type { InvoiceDocument } from "./invoice-document.ts";
import { createRequestSize } from "./request-size.ts";
import { createLookupResolver, ownerOf } from "./resolve-lookups.ts";
import type { LookupResolver, ResolvedLookups } from "./resolve-lookups.ts";
import type { CeCode } from "./to-outcome.ts";
import { isForEverybody, toFailureOf, toOutcome, toReadFailure, toUnasked } from "./to-outcome.ts";
import { writeDocuments } from "./write-documents.ts";

/** What flow, stack and company say about one document (`flows/resolve-target.ts`). */
export interface CePolicy {
  readonly mode: "dryRun" | "redirect" | "live";
  readonly ownership: "all" | "notDualWritten";
  /** Owner of new rows; the customer's owner when there is none. */
  readonly ownerTeam?: string;
}

export interface DataverseTargetOptions {
  readonly name: string;
  readonly http: Http;
  readonly getToken: GetToken;
  /** `https://org.crm.dynamics.com`, without trailing slash. */
  readonly baseUrl: string;
  readonly clock: Clock;
  readonly mappingOf: (event: CanonicalEvent) => CompiledMapping;
  readonly policyOf: (event: CanonicalEvent) => CePolicy;
  /** Rows in one request; 300 unless told. The product takes 1,000, but holds locks for all of them. */
  readonly rowsPerRequest?: number;
  readonly timeoutMs?: number;
}

type Request = DeliveryRequest<CanonicalEvent>;

/** A request on its way through the steps: it has an outcome as soon as one is certain. */
interface Item {
  readonly request: Request;
  readonly policy: CePolicy;
  outcome: Outcome | null;
  document: InvoiceDocument | undefined;
}

/**
 * Invoices in Dynamics 365 CE. Rows are upserted by our own key, so that writing again is harmless;
 * nothing is ever `unsure`: the next try reads by key before it writes.
 */
export function createDataverseTarget(options: DataverseTargetOptions): Target<CanonicalEvent> {
  const client = createDataverseClient(options);
  const lookups = createLookupResolver(client, options.clock);
  const size = createRequestSize(options.rowsPerRequest ?? 300);
  return {
    name: options.name,
    deliver: async (requests, signal) => {
      const items = requests.map((request) => toItem(request, options));
      const open = items.filter(({ outcome }) => outcome === null);
      await mapItems(open, options, lookups, signal);
      if (isAborted(signal)) return items.map(({ outcome }) => outcome);
      const writable = items
        .filter((item) => item.outcome === null && item.document !== undefined)
        // What failed most often comes last: it is what takes the others' time.
        .sort((a, b) => a.request.attempts - b.request.attempts);
      const keysOf = (wanted: (request: Request) => boolean): ReadonlySet<string> =>
        new Set(
          writable.filter(({ request }) => wanted(request)).map(({ document }) => keyOf(document)),
        );
      const outcomes = await writeDocuments(toDistinctDocuments(writable), {
        client,
        clock: options.clock,
        size,
        baseUrl: options.baseUrl,
        signal,
        forgetLookups: () => lookups.forget(),
        suspects: keysOf(({ attempts }) => attempts > 0),
        slow: keysOf(({ lastCode }) => lastCode === ("CE_TIMEOUT" satisfies CeCode)),
        traceparents: new Map(
          writable.map(({ document, request }) => [keyOf(document), request.traceparent]),
        ),
      });
      return items.map((item) => item.outcome ?? outcomes.get(keyOf(item.document)) ?? null);
    },
  };
}

function toItem(request: Request, options: DataverseTargetOptions): Item {
  const event = request.body;
  try {
    const policy = options.policyOf(event);
    return { request, policy, outcome: ruleOut(event, policy), document: undefined };
  } catch (error) {
    // The rules changed since the caller asked them; the next try finds out what holds now.
    const reason = asError(error).message;
    const outcome: Outcome = { kind: "retry", code: "CE_TEMPORARY", reason, asked: false };
    return { request, policy: nothingAllowed, outcome, document: undefined };
  }
}

const nothingAllowed: CePolicy = { mode: "dryRun", ownership: "all" };

/** Outcomes that need nothing from CE. */
function ruleOut(event: CanonicalEvent, policy: CePolicy): Outcome | null {
  if (event.data === undefined) {
    const reason = "The event came without its data.";
    return { kind: "reject", code: "CE_BODY_MISSING", reason, asked: false };
  }
  // The same field that dual-write's invoice map filters on.
  if (policy.ownership === "notDualWritten" && (event.data.salesOrder ?? "") !== "") {
    return { kind: "skipped", rule: "OWNED_BY_DUAL_WRITE", asked: false };
  }
  return null;
}

/** Looks up for all at once; when CE refuses the shared question, for each, to find whose it is. */
async function mapItems(
  items: readonly Item[],
  options: DataverseTargetOptions,
  lookups: LookupResolver,
  signal: AbortSignal,
): Promise<void> {
  if (items.length === 0) return;
  try {
    await lookUpAndMap(items, options, lookups, signal);
  } catch (error) {
    // What broke off because the time was up says nothing about the documents.
    if (signal.aborted) return;
    const outcome = toOutcome(toReadFailure(toFailureOf(error)));
    if (outcome.kind !== "reject" || items.length === 1) {
      for (const item of items) item.outcome ??= outcome;
      return;
    }
    await mapOneByOne(items, options, lookups, signal);
  }
}

async function mapOneByOne(
  items: readonly Item[],
  options: DataverseTargetOptions,
  lookups: LookupResolver,
  signal: AbortSignal,
): Promise<void> {
  let stop: Outcome | null = null;
  for (const item of items) {
    if (stop === null && !signal.aborted) await mapItems([item], options, lookups, signal);
    if (stop !== null) item.outcome = stop;
    // One more question for each of the rest would only add to it.
    else if (isForEverybody(item.outcome)) stop = item.outcome;
  }
}

async function lookUpAndMap(
  items: readonly Item[],
  options: DataverseTargetOptions,
  lookups: LookupResolver,
  signal: AbortSignal,
): Promise<void> {
  const requests = items.flatMap(({ request, policy }) => [
    ...collectLookups(options.mappingOf(request.body), request.body),
    ...toTeamRequest(policy),
  ]);
  const resolved = await lookups.resolve(requests, signal);
  for (const item of items) {
    try {
      await mapItem(item, options, resolved);
    } catch (error) {
      // An expression that fails for this document's values; the others are none the worse.
      const reason = `The mapping failed: ${asError(error).message}`;
      item.outcome = { kind: "reject", code: "CE_MAPPING_FAILED", reason };
    }
    if (!resolved.hasAsked) item.outcome = toUnasked(item.outcome);
  }
}

async function mapItem(
  item: Item,
  options: DataverseTargetOptions,
  resolved: ResolvedLookups,
): Promise<void> {
  const { request, policy } = item;
  let ambiguous: string | undefined;
  const mapped = await mapEvent(options.mappingOf(request.body), request.body, (asked) => {
    ambiguous = asked.find((one) => resolved.isAmbiguous(one))?.label;
    return Promise.resolve(asked.map((one) => resolved.answer(one)));
  });
  const [team] = toTeamRequest(policy);
  const teamAnswer = team === undefined ? null : resolved.answer(team);
  const refusal = refuse(
    mapped,
    ambiguous,
    team !== undefined && teamAnswer === null ? team : undefined,
  );
  if (refusal !== undefined) {
    item.outcome = refusal;
    return;
  }
  const owner = teamAnswer ?? ownerOf(toAnswer(mapped.record["customerid"]));
  try {
    item.document = toInvoiceDocument(
      request.body.effectkey,
      mapped,
      owner === undefined ? undefined : { kind: "reference", ...owner },
    );
  } catch (error) {
    if (!(error instanceof UnfitValueError)) throw error;
    item.outcome = { kind: "reject", code: "CE_REJECTED", reason: error.message };
    return;
  }
  if (policy.mode !== "live") {
    const { key, header, lines } = item.document;
    const rows = lines.map((line) => ({
      cwy_key: line.key,
      ...line.body,
      ...(line.product ?? line.writeIn),
    }));
    item.outcome = {
      kind: "skipped",
      rule: "DRY_RUN",
      wouldSend: { cwy_key: key, ...header, invoice_details: rows },
    };
  }
}

function refuse(
  mapped: MappedRecord,
  ambiguous: string | undefined,
  team: LookupRequest | undefined,
): Outcome | undefined {
  if (mapped.rejected !== undefined) return { kind: "reject", ...mapped.rejected };
  if (ambiguous !== undefined && mapped.missing.includes(ambiguous)) {
    const reason = `More than one row in CE is ${ambiguous}.`;
    return { kind: "reject", code: "CE_CUSTOMER_AMBIGUOUS", reason };
  }
  const missing = [...mapped.missing, ...(team === undefined ? [] : [team.label])];
  const [first] = missing;
  return first === undefined ? undefined : { kind: "wait", code: toWaitCode(first), missing };
}

function toWaitCode(label: string): string {
  switch (label.split("/")[0]) {
    case "account":
    case "contact":
      return "CE_CUSTOMER_MISSING";
    case "transactioncurrency":
      return "CE_CURRENCY_MISSING";
    case "team":
      return "CE_OWNER_TEAM_MISSING";
    default:
      return "CE_RECORD_MISSING";
  }
}

function toTeamRequest({ ownerTeam }: CePolicy): readonly LookupRequest[] {
  if (ownerTeam === undefined) return [];
  const label = `team/${ownerTeam}`;
  return [
    {
      id: label,
      label,
      tables: [{ table: "team", key: { name: ownerTeam } }],
      cacheSeconds: 3_600,
    },
  ];
}

/** Two events for one document make one write. */
function toDistinctDocuments(items: readonly Item[]): readonly InvoiceDocument[] {
  const documents = new Map<string, InvoiceDocument>();
  for (const { document } of items) {
    if (document !== undefined) documents.set(document.key, document);
  }
  return [...documents.values()];
}

function keyOf(document: InvoiceDocument | undefined): string {
  return document?.key ?? "";
}

/** Read anew: it changes while we wait. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function toAnswer(value: unknown): LookupReference | null {
  return typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    value.kind === "reference"
    ? (value as LookupReference)
    : null;
}
