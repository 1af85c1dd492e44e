/*
 * One message to its owner per new failure group, and one digest a day, by each channel that the owner has
 * (webhook, mail). A notice is a row in `notices`, partition = channel:
 *
 *   absent ──failure recorded──► due ──claimed (ETag)──► sending ──answered──► sent
 *                                 ▲                         └── refused ──► due
 *                                 └── seven days after it was sent, a failure of the group comes again
 *
 * Of a group that nobody decides (retention/escalate-failures.ts) its owner and integration are told once, by a
 * row of its own, which goes away with the last failure that is so old: a later one is told anew. A digest keeps its
 * text in its row, so that one that was refused comes again as it was, until the next day's takes its place.
 *
 * A crash between the claim and the answer leaves `sending`, which nobody sends again: the message may
 * have gone out, and the digest names the group anyway. What is sent tells of causes and counts, never of
 * a document or a person.
 */
import type { Clock } from "../platform/clock.ts";
import { toStableId } from "../platform/effect-key.ts";
import type { StoredRow, TableStore } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { meaningOf } from "./failure-codes.ts";
import type { FailureGroups } from "./group-failures.ts";
import type { NoticeChannel } from "./notice-channels.ts";
import {
  deleteNotice,
  digestPrefix,
  ignoringConflicts,
  noticesTable,
  oldPrefix,
  readNotices,
  toPrefixRange,
} from "./notice-rows.ts";
import { toDigest, toNotice, toUndecided } from "./notice-texts.ts";

export interface NoticeOptions {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly channels: readonly NoticeChannel[];
  /** Open failures by cause. */
  readonly openGroups: () => Promise<FailureGroups>;
}

export interface NoticeGroup {
  readonly group: string;
  readonly code: string;
  readonly target: string;
}

export interface OwnerNotices {
  /** Notes groups of failures that were just recorded; harmless for those that were told of. */
  note(groups: readonly NoticeGroup[]): Promise<void>;
  /** Sends what is due. */
  sendDue(): Promise<void>;
  /** Notes every group that has been open for too long; what was told before and is not among them is over. */
  noteUndecided(
    found: FailureGroups,
    days: { readonly escalateDays: number; readonly failureBodyDays: number },
  ): Promise<void>;
  /** Once a day, to owners that have open failures. */
  sendDigest(): Promise<void>;
}

const quietMs = 7 * 24 * 3_600_000;
/** Groups that this process has noted lately; a burst of failures has few groups. */
const rememberedGroups = 1_000;

export function createOwnerNotices(options: NoticeOptions): OwnerNotices {
  const noted = new Map<string, number>();
  /** Where the next reading of a channel begins, when the last one did not come to its end. */
  const places = new Map<string, string>();
  const { channels } = options;
  return {
    note: async (groups) => {
      const now = options.clock.now();
      for (const each of groups) {
        const { owner } = meaningOf(each.code);
        const own = channels.filter((channel) => channel.owner === owner);
        if (own.length === 0) continue;
        if (now - (noted.get(each.group) ?? -Infinity) < quietMs) continue;
        for (const { key } of own) await noteGroup(options, key, each, now);
        if (noted.size >= rememberedGroups) noted.clear();
        noted.set(each.group, now);
      }
    },
    noteUndecided: async (found, days) => {
      for (const channel of channels) {
        const groups = found.groups.filter(
          ({ owner }) => owner === channel.owner || channel.owner === "integration",
        );
        await noteOld(options, channel.key, { ...found, groups }, days);
      }
    },
    sendDue: async () => {
      for (const channel of channels) {
        const { key: partitionKey } = channel;
        const from = places.get(partitionKey) ?? "";
        const { next, rows } = await readNotices(options.store, { partitionKey, from });
        places.set(partitionKey, next ?? "");
        for (const row of rows) await sendIfDue(options, channel, row);
      }
    },
    sendDigest: async () => {
      const day = new Date(options.clock.now()).toISOString().slice(0, 10);
      const { groups, targetsWithMore } = await options.openGroups();
      for (const channel of channels) {
        await dropDigests(options, channel.key, day);
        const own = groups.filter((group) => group.owner === channel.owner);
        if (own.length === 0) continue;
        const failures = own.reduce((sum, group) => sum + group.count, 0);
        const text = toDigest(day, own, targetsWithMore.length > 0);
        const row = await noteDigest(options, channel.key, day, { text, failures });
        if (row !== undefined) await sendIfDue(options, channel, row);
      }
    },
  };
}

async function noteGroup(
  { store }: NoticeOptions,
  partitionKey: string,
  { group, code, target }: NoticeGroup,
  now: number,
): Promise<void> {
  const keys = { partitionKey, rowKey: group };
  const row = { ...keys, columns: { state: "due", code, target, at: new Date(now).toISOString() } };
  const before = await store.get(noticesTable, keys);
  const isQuiet = before !== undefined && now - Date.parse(String(before.columns["at"])) < quietMs;
  if (isQuiet) return;
  const write =
    before === undefined
      ? ({ kind: "insert", row } as const)
      : ({ kind: "replace", row, etag: before.etag } as const);
  await ignoringConflicts(store.write(noticesTable, write));
}

async function noteOld(
  { clock, store }: NoticeOptions,
  partitionKey: string,
  { groups, targetsWithMore }: FailureGroups,
  days: { readonly escalateDays: number; readonly failureBodyDays: number },
): Promise<void> {
  const { rows } = await readNotices(store, toPrefixRange(partitionKey, oldPrefix));
  const known = new Set(rows.map(({ rowKey }) => rowKey));
  const wanted = new Map(groups.map((group) => [`${oldPrefix}${group.group}`, group]));
  for (const [rowKey, group] of wanted) {
    if (known.has(rowKey)) continue;
    const { code, count: failures, target } = group;
    const told = { state: "due", code, target, failures, text: toUndecided(group, days) };
    const columns = { ...told, at: new Date(clock.now()).toISOString() };
    const row = { partitionKey, rowKey, columns };
    await ignoringConflicts(store.write(noticesTable, { kind: "insert", row }));
  }
  for (const row of rows) {
    // Of a target with more groups than were read this one may be open still.
    const isUnseen = targetsWithMore.includes(String(row.columns["target"]));
    if (!wanted.has(row.rowKey) && !isUnseen) await deleteNotice(store, row);
  }
}

/** Digests of days before: what they said is said better by a later one, or over. */
async function dropDigests(
  { store }: NoticeOptions,
  partitionKey: string,
  day: string,
): Promise<void> {
  const range = { partitionKey, from: digestPrefix, below: `${digestPrefix}${day}` };
  const { rows } = await readNotices(store, range);
  for (const row of rows) await deleteNotice(store, row);
}

/** The day's digest, as whoever was first wrote it. */
async function noteDigest(
  { store, clock }: NoticeOptions,
  partitionKey: string,
  day: string,
  told: { readonly text: string; readonly failures: number },
): Promise<StoredRow | undefined> {
  const columns = { state: "due", at: new Date(clock.now()).toISOString(), ...told };
  const row = { partitionKey, rowKey: `${digestPrefix}${day}`, columns };
  await ignoringConflicts(store.write(noticesTable, { kind: "insert", row }));
  return store.get(noticesTable, { partitionKey, rowKey: row.rowKey });
}

async function sendIfDue(
  options: NoticeOptions,
  channel: NoticeChannel,
  row: StoredRow,
): Promise<void> {
  const { code, failures, state, target, text } = row.columns;
  if (state !== "due") return;
  // A digest of a version that kept no text: the next one names what it named.
  if (typeof text !== "string" && typeof code !== "string") return;
  const told = typeof text === "string" ? text : toNotice(String(code), String(target));
  await send(options, channel, row, told, Number(failures ?? 1));
}

async function send(
  options: NoticeOptions,
  channel: NoticeChannel,
  row: StoredRow,
  text: string,
  failures: number,
): Promise<void> {
  const { store, telemetry } = options;
  const move = (etag: string, state: string): Promise<string | undefined> => {
    const { partitionKey, rowKey } = row;
    const columns = { state, at: new Date(options.clock.now()).toISOString() };
    const changed = { partitionKey, rowKey, columns };
    return ignoringConflicts(store.write(noticesTable, { kind: "merge", row: changed, etag }));
  };
  const claimed = await move(row.etag, "sending");
  if (claimed === undefined) return;
  // An id of its own for each claim: a mail service that knows it does not send twice.
  const answer = await channel.send(text, toStableId("notice", channel.key, row.rowKey, row.etag));
  // Only what surely was not taken is tried again.
  if (answer !== "unknown") await move(claimed, answer === "taken" ? "sent" : "due");
  const isDigest = row.rowKey.startsWith(digestPrefix);
  const isOld = row.rowKey.startsWith(oldPrefix);
  telemetry.event(
    "notification",
    {
      owner: channel.owner,
      channel: channel.kind,
      name: isDigest ? "digest" : isOld ? "undecided" : "group",
      group: isDigest ? "" : row.rowKey.slice(isOld ? oldPrefix.length : 0),
      result: answer === "taken" ? "sent" : "failed",
      code: answer,
    },
    { failures },
  );
}
