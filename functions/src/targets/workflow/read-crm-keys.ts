import { randomUUID } from "node:crypto";
import type { Mapping } from "../../../../schemas/types/mapping.ts";
import { CausewayError } from "../../platform/causeway-error.ts";
import { toRootTraceparent } from "../../platform/trace.ts";
import type { WorkflowAnswer, WorkflowCall } from "./workflow-call.ts";

export type CrmReadErrorCode =
  /** The workflow or the CRM behind it did not say what it holds. */
  "CRM_NOT_READ";

/** Where the CRM keeps invoices: constants of the flow's mapping. */
export interface CrmPlace {
  readonly object: string;
  readonly externalIdField: string;
}

export interface KeptRecord {
  readonly count: number;
  /** Null where the record has none. */
  readonly amount: number | null;
}

/** What the workflow takes in one call: a query of some 4,000 characters in a URL. */
const keysPerCall = 100;

/** Undefined for a mapping that writes its records elsewhere than into one object. */
export function toCrmPlace({ fields }: Mapping): CrmPlace | undefined {
  const constant = (name: string): unknown => {
    const field = fields.find(({ to }) => to === name);
    return field !== undefined && "value" in field ? field.value : undefined;
  };
  const [object, externalIdField] = [constant("object"), constant("externalIdField")];
  return typeof object === "string" && typeof externalIdField === "string"
    ? { object, externalIdField }
    : undefined;
}

/**
 * What the CRM holds under effect keys, asked through its workflow: the CRM's secret is the workflow's alone.
 * Throws CRM_NOT_READ when anything stays unknown.
 */
export async function readCrmKeys(
  call: WorkflowCall,
  place: CrmPlace,
  effectKeys: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, KeptRecord>> {
  const kept = new Map<string, KeptRecord>();
  for (let at = 0; at < effectKeys.length; at += keysPerCall) {
    const keys = effectKeys.slice(at, at + keysPerCall);
    const eventId = randomUUID();
    const answer = await call(
      { step: "read", ...place, effectKeys: keys },
      { eventId, traceparent: toRootTraceparent(eventId), signal },
    );
    for (const { amount, effectKey } of recordsOf(answer)) {
      const key = effectKey.toLowerCase();
      kept.set(key, { count: (kept.get(key)?.count ?? 0) + 1, amount: amount ?? null });
    }
  }
  return kept;
}

interface CrmRecordRead {
  readonly effectKey: string;
  readonly amount?: number | null;
}

function recordsOf(answer: WorkflowAnswer): readonly CrmRecordRead[] {
  if (answer.kind === "answered" && answer.body.status === "read") {
    return answer.body.records ?? [];
  }
  const reason =
    answer.kind === "answered"
      ? (answer.body.reason ?? answer.body.code ?? `status ${answer.status}`)
      : answer.kind === "refused"
        ? answer.reason
        : answer.code;
  throw new CausewayError<CrmReadErrorCode>(
    "CRM_NOT_READ",
    `the CRM was not read (${reason}); look at the runs of its workflow, then verify again`,
    { fate: "transient" },
  );
}
