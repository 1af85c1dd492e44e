import { TableClient } from "@azure/data-tables";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createIntakeLedger } from "../functions/src/delivery/intake-ledger.ts";
import { Ledger } from "../functions/src/delivery/ledger.ts";
import type { DeliveryRow } from "../functions/src/delivery/ledger-rows.ts";
import { toFailureId } from "../functions/src/delivery/policy.ts";
import { createTableStoreOver } from "../functions/src/platform/azure-table-store.ts";
import type { BodyStore } from "../functions/src/platform/body-store.ts";
import { systemClock } from "../functions/src/platform/clock.ts";
import { toEffectKey } from "../functions/src/platform/effect-key.ts";
import { silentTelemetry } from "../functions/src/platform/telemetry.ts";
import { toRootTraceparent, toTraceId } from "../functions/src/platform/trace.ts";
import { createFailureStore } from "../functions/src/recovery/failure-store.ts";
import type { Failure } from "../functions/src/recovery/failure.ts";
import type { CanonicalEvent } from "../schemas/types/canonical-event.ts";

const target = "ce";
const company = "usmf";
const batchSize = 500;
/** The failures' events lie this far apart, as a day's would; a minute's are one partition of the ledger. */
const apartMs = 60;

/**
 * Events that were accepted and whose delivery to CE was given up, written by the product's own stores as
 * intake, delivery and the failure store leave them: making them by posting would take longer than their
 * replay. Gives what CE must hold once they are replayed: `<company>/<number>`.
 */
export async function plantFailures(
  connectionString: string,
  count: number,
  onProgress: (planted: number) => void,
): Promise<readonly string[]> {
  const clock = systemClock;
  const store = createTableStoreOver((table) =>
    TableClient.fromConnectionString(connectionString, table, { allowInsecureConnection: true }),
  );
  const ledger = new Ledger({ store, clock, bodies: noBlobs });
  const failures = createFailureStore(store, clock);
  const example = await readExample();
  const first = clock.now() - count * apartMs;
  for (let from = 0; from < count; from += batchSize) {
    const size = Math.min(batchSize, count - from);
    const events = Array.from({ length: size }, (_each, index) =>
      toEvent(example, from + index + 1, first + (from + index) * apartMs),
    );
    await settleAsFailed(ledger, events);
    await failures.record(events.map((event) => toFailure(event, clock.now())));
    onProgress(from + size);
  }
  return Array.from({ length: count }, (_each, index) => `${company}/${toNumber(index + 1)}`);
}

async function settleAsFailed(ledger: Ledger, events: readonly CanonicalEvent[]): Promise<void> {
  const now = systemClock.now();
  await createIntakeLedger(ledger, systemClock, silentTelemetry).accept(
    events.map((event) => ({
      event,
      targets: [{ name: target, initial: { state: "pending" as const } }],
      customerAccount: "US-001",
    })),
  );
  const settle = async (name: string, changes: (row: DeliveryRow) => Partial<DeliveryRow>) => {
    const ids = events.map(({ id, time }) => ({ eventId: id, time, target: name }));
    const versions = (await ledger.load(ids, { fresh: true })).filter((each) => each !== undefined);
    const settled = versions.map(({ row, etag }) => ({ row: { ...row, ...changes(row) }, etag }));
    await ledger.save(settled);
    return settled.map(({ row }) => row);
  };
  await settle("intake", () => ({ state: "published" }));
  const rows = await settle(target, (row) => ({
    state: "failed",
    failureId: toFailureId(row, row.generation),
    attempts: 1,
    code: "CE_REJECTED",
    reason: "planted by the bench",
    settledAt: now,
  }));
  await ledger.removeOpen(rows);
}

function toFailure(event: CanonicalEvent, now: number): Failure {
  const { id: eventId, time } = event;
  return {
    failureId: toFailureId({ eventId, time, target }, 0),
    code: "CE_REJECTED",
    reason: "planted by the bench",
    stage: "delivery",
    target,
    attempts: 1,
    firstAt: now,
    lastAt: now,
    eventId,
    time,
    traceId: toTraceId(eventId),
    flow: event.flow,
    legalEntity: company,
    businessKey: event.subject,
    effectKey: event.effectkey,
    generation: 0,
    replaces: "",
    missing: [],
    body: JSON.stringify(event),
    properties: {},
  };
}

function toEvent(example: CanonicalEvent, n: number, at: number): CanonicalEvent {
  const { data } = example;
  if (data === undefined) throw new TypeError("the example event has no data");
  const id = randomUUID();
  const number = toNumber(n);
  const { type } = example;
  return {
    ...example,
    id,
    subject: `${company}/${number}`,
    time: new Date(at).toISOString(),
    effectkey: toEffectKey({ ...data, number, type }),
    traceparent: toRootTraceparent(id),
    data: { ...data, number },
  };
}

function toNumber(n: number): string {
  return `RPL-${String(n).padStart(6, "0")}`;
}

async function readExample(): Promise<CanonicalEvent> {
  const file = new URL(
    "../schemas/canonical/event.v1/examples/valid/invoice-posted.json",
    import.meta.url,
  );
  return JSON.parse(await readFile(file, "utf8")) as CanonicalEvent;
}

const tooLarge = (): Promise<never> => Promise.reject(new Error("a body that needs a blob"));
const noBlobs: BodyStore = {
  put: tooLarge,
  get: tooLarge,
  remove: tooLarge,
  deleteFoldersBelow: tooLarge,
};
