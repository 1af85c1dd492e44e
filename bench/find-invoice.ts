/*
 * `npx tsx bench/find-invoice.ts [rows]`: how long finding an invoice takes with so many ledger rows (a
 * million unless said otherwise) in Azurite, as the local Azure has it. Two rows per event in the ledger, three in
 * `journeys`; documents are posted in batches of some hundred a minute, as F&O's batch jobs do.
 */
import { TableClient } from "@azure/data-tables";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGates } from "../functions/src/delivery/gates.ts";
import { writeAll } from "../functions/src/delivery/batch-writes.ts";
import { toColumns } from "../functions/src/delivery/ledger-columns.ts";
import { toJourneyKeys, toLedgerKey } from "../functions/src/delivery/ledger-keys.ts";
import { createDeliveryRow } from "../functions/src/delivery/ledger-rows.ts";
import { loadFlows } from "../functions/src/flows/load-flows.ts";
import { findJourneys } from "../functions/src/operator/reads/find-journeys.ts";
import { readJourney } from "../functions/src/operator/reads/read-journey.ts";
import { createTableStoreOver } from "../functions/src/platform/azure-table-store.ts";
import { systemClock } from "../functions/src/platform/clock.ts";
import { appConfig } from "../test/support/app-config.ts";
import { loadCertificateAuthority } from "../local/certificate-authority.ts";
import { startAzurite } from "../local/storage/start-azurite.ts";
import { createProgress } from "./create-progress.ts";

const wanted = Number(process.argv[2] ?? 1_000_000);
const rowsPerEvent = 2;
const eventsAtOnce = 4_000;
const eventsPerMinute = 400;
const searches = 200;
const monthMs = 28 * 86_400_000;
const startOfMonth = Date.now() - monthMs;

const folder = await mkdtemp(join(tmpdir(), "causeway-find-"));
const { certificate } = await loadCertificateAuthority(folder);
const service = await startAzurite({
  certificate,
  dir: join(folder, "azurite"),
  accountName: "causewayfind",
  accountKey: Buffer.alloc(64, 7).toString("base64"),
  heapMb: 12_000,
  log: () => undefined,
});
const store = createTableStoreOver((table) =>
  TableClient.fromConnectionString(service.connectionString, table, {
    allowInsecureConnection: true,
  }),
);
const flows = await loadFlows(new URL("../flows", import.meta.url).pathname);
const on = {
  store,
  // Small documents: none of them is in a blob.
  bodies: {
    get: () => Promise.resolve(undefined),
    put: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    deleteFoldersBelow: () => Promise.resolve(0),
  },
  flows,
  clock: systemClock,
  config: appConfig(),
  gates: createGates(store, systemClock),
  budgets: new Map(),
  countFailures: () => Promise.resolve({ groups: [], targetsWithMore: [] }),
  listVerifications: () => Promise.resolve([]),
};
const progress = createProgress(process.stderr);
const events = Math.ceil(wanted / rowsPerEvent);
for (let first = 0; first < events; first += eventsAtOnce) {
  await fill(first, Math.min(first + eventsAtOnce, events));
  progress.show(`${first * rowsPerEvent} ledger rows`);
}
progress.end();
// Storage sorts a partition's keys when the first query after a write asks for them.
await findOne(events - 1);
const times: number[] = [];
for (let round = 0; round < searches; round += 1) {
  const startedAt = performance.now();
  await findOne(Math.floor((events * round) / searches));
  times.push(performance.now() - startedAt);
}
times.sort((a, b) => a - b);
const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
process.stdout.write(
  `${events * rowsPerEvent} ledger rows: find by invoice and read its journey, ${searches} times: median ${at(0.5)} ms, p95 ${at(0.95)} ms\n`,
);
await service.close();
await rm(folder, { recursive: true });

/** As the console does for a number that somebody typed. */
async function findOne(index: number): Promise<void> {
  const number = toNumber(index);
  const { journeys } = await findJourneys(on, { by: "number", text: number, limit: 50 });
  const [found] = journeys;
  if (found === undefined) throw new Error(`${number} was not found`);
  await readJourney(on, found, (value) => value);
}

function toNumber(index: number): string {
  return `CIV-${String(index).padStart(9, "0")}`;
}

async function fill(from: number, below: number): Promise<void> {
  const writes = Array.from({ length: below - from }, (_none, offset) => toWrites(from + offset));
  await writeAll(store, writes.flat());
}

function toWrites(index: number): Parameters<typeof writeAll>[1] {
  // Over the last four weeks.
  const batch = Math.floor(index / eventsPerMinute);
  const time = new Date(
    startOfMonth + Math.floor((monthMs * batch * eventsPerMinute) / events),
  ).toISOString();
  const eventId = `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`;
  const number = toNumber(index);
  const subject = {
    eventId,
    time,
    legalEntity: "usmf",
    number,
    customerAccount: `US-${index % 500}`,
  };
  const start = { state: "delivered", acceptedAt: Date.parse(time), traceparent: "" } as const;
  const rows = ["intake", "ce"].map((target) =>
    createDeliveryRow({ eventId, time, target }, start),
  );
  return [
    ...rows.map((row) => ({ ...toLedgerKey(row), columns: toColumns(row) })),
    ...toJourneyKeys(subject).map((key) => ({
      ...key,
      columns: { ...subject, flow: "invoice-posted" },
    })),
  ].map(({ table, ...row }) => ({ table, write: { kind: "upsert" as const, row } }));
}
