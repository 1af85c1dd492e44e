import { gunzipSync } from "node:zlib";
import { createDeliveryRow } from "../../functions/src/delivery/ledger-rows.ts";
import { defaultRetention } from "../../functions/src/platform/config.ts";
import type { RetentionSettings } from "../../functions/src/platform/config.ts";
import type { StoredRow } from "../../functions/src/platform/table-store.ts";
import { createNoticeChannels } from "../../functions/src/recovery/notice-channels.ts";
import { createFailureStore } from "../../functions/src/recovery/failure-store.ts";
import { createOwnerNotices } from "../../functions/src/recovery/owner-notices.ts";
import { groupFailures } from "../../functions/src/recovery/group-failures.ts";
import { createRetentionStore } from "../../functions/src/recovery/retention/retention-store.ts";
import { runRetention } from "../../functions/src/recovery/retention/run-retention.ts";
import type { CanonicalEvent } from "../../schemas/types/canonical-event.ts";
import { salesInvoicePosted } from "./business-event.ts";
import { canonicalInvoice } from "./canonical-invoice.ts";
import { startOfTime, wrapPorts } from "./delivery-world.ts";
import type { FaultyPorts } from "./faulty-ports.ts";
import { numberedEvent } from "./numbered-event.ts";
import { recordTelemetry } from "./recorded-telemetry.ts";
import { ReplayWorld } from "./replay-world.ts";

const dayMs = 86_400_000;
/** In every body, raw event and reason that the world plants. */
export const planted = ["Anna Berg", "anna@example.com"];

/** An accepted event about a person. */
export function eventOf(n: number, name = "Anna Berg"): CanonicalEvent {
  const data = canonicalInvoice({ number: `CIV-${String(n).padStart(6, "0")}` });
  const customer = { ...data.customer, name, email: "anna@example.com" };
  return numberedEvent(n, { data: { ...data, customer } });
}

/** The business event that it came from, with members that no schema of ours knows. */
function rawOf({ id, data, time }: CanonicalEvent): string {
  return JSON.stringify({
    ...salesInvoicePosted,
    EventId: id.toUpperCase(),
    EventTimeIso8601: time,
    InvoiceId: data?.number,
    CustomerName: "Anna Berg",
    Contact: "anna@example.com",
  });
}

/** Deliveries with their failures and replays, and the nights in which retention runs. */
export class RetentionWorld {
  readonly replays = new ReplayWorld();
  readonly told: { readonly url: string; readonly text: string }[] = [];
  readonly recorded = recordTelemetry();

  /** As intake leaves it: raw body, accepted, published; then delivered as the target answers. */
  async post(...events: readonly CanonicalEvent[]): Promise<void> {
    const { clock, ledger } = this.replays.delivery;
    for (const event of events) {
      const id = { eventId: event.id, time: event.time, target: "intake" };
      const { traceparent } = event;
      const start = { state: "received", acceptedAt: clock.now(), traceparent } as const;
      await ledger.insert([{ row: createDeliveryRow(id, start), raw: rawOf(event) }]);
      await this.replays.delivery.accept(event);
      const [version] = await ledger.load([id], { fresh: true });
      if (version === undefined) throw new Error("it was not accepted");
      const row = { ...version.row, state: "published" as const };
      await ledger.save([{ row, etag: version.etag }]);
    }
    await this.replays.work();
  }

  /** One run, by a process of its own. */
  async run(
    options: { readonly faults?: FaultyPorts; readonly settings?: RetentionSettings } = {},
  ): Promise<void> {
    const { blobs, broker, clock, memory } = this.replays.delivery;
    const { faults, settings = defaultRetention } = options;
    const { bodies, store } = wrapPorts(faults, { store: memory, sender: broker, bodies: blobs });
    const { telemetry } = this.recorded;
    const failures = createFailureStore(store, clock);
    const webhooks = {
      finance: "https://hooks.example/finance",
      integration: "https://hooks.example/integration",
    };
    const notices = createOwnerNotices({
      ...{ store, clock, telemetry },
      channels: createNoticeChannels({
        http: ({ url, body }) => {
          this.told.push({ url, text: (JSON.parse(body ?? "") as { text: string }).text });
          return Promise.resolve({ status: 202, headers: { get: () => null }, body: "" });
        },
        getToken: () => Promise.resolve("token"),
        webhooks,
        mail: undefined,
      }),
      openGroups: () => groupFailures(failures, { status: "open" }),
    });
    const catalog = faults === undefined ? memory : faults.port("catalog", toCatalog(memory));
    const cursors = createRetentionStore(store);
    await runRetention({
      ...{ failures, bodies, catalog, cursors, clock, notices, settings, telemetry },
    });
    await notices.sendDue();
  }

  /** Ten past one, `days` after the day of the events; earlier nights pass without a run. */
  async night(days: number, options?: Parameters<RetentionWorld["run"]>[0]): Promise<void> {
    this.to(days);
    await this.run(options);
  }

  /** Another world with the same rows and blobs: all that a night reads, and quicker than to live it again. */
  copy(): RetentionWorld {
    const other = new RetentionWorld();
    const { blobs, memory } = this.replays.delivery;
    memory.copyTo(other.replays.delivery.memory);
    for (const [name, bytes] of blobs.blobs) other.replays.delivery.blobs.blobs.set(name, bytes);
    return other;
  }

  to(days: number): void {
    const midnight = Math.floor(startOfTime / dayMs) * dayMs;
    this.replays.delivery.clock.to(midnight + days * dayMs + 70 * 60_000);
  }

  /** Every place in which something that was planted can still be read. */
  findPlanted(): readonly string[] {
    const { blobs, memory } = this.replays.delivery;
    const found = memory.tableNames().flatMap((table) =>
      memory
        .rows(table)
        .filter((row) => isPlanted(textOf(row)))
        .map(({ rowKey }) => `${table} ${rowKey}`),
    );
    const inBlobs = [...blobs.blobs]
      .filter(([, bytes]) => isPlanted(gunzipSync(bytes).toString("utf8")))
      .map(([name]) => name);
    return [...found, ...inBlobs];
  }
}

function toCatalog(memory: ReplayWorld["delivery"]["memory"]) {
  return {
    names: () => memory.names(),
    drop: (table: string) => memory.drop(table),
  };
}

function isPlanted(text: string): boolean {
  return planted.some((each) => text.includes(each));
}

/** All columns as text; bodies, which are compressed and in pieces, as what they say. */
function textOf({ columns }: StoredRow): string {
  const bodies = new Map<string, Uint8Array[]>();
  const texts: string[] = [];
  for (const [name, value] of Object.entries(columns)) {
    if (!(value instanceof Uint8Array)) texts.push(String(value));
    else {
      const body = name.replace(/\d+$/, "");
      bodies.set(body, [...(bodies.get(body) ?? []), value]);
    }
  }
  for (const chunks of bodies.values()) {
    texts.push(gunzipSync(Buffer.concat(chunks)).toString("utf8"));
  }
  return texts.join("\n");
}
