/*
 * One message to its owner per new failure group, and one digest a day, by each channel that the owner has
 * (webhook, mail). A notice is a row in `notices`, partition = channel:
 *
 *   absent ──failure recorded──► due ──claimed (ETag)──► sending ──answered──► sent
 *                                 ▲                         └── refused ──► due
 *                                 └── seven days after it was sent, a failure of the group comes again
 *
 * Of a group that nobody decides (retention/escalate-failures.ts) its owner and integration are told once, by a
 * row of its own, which goes away with the last failure that is so old: a later one is told anew.
 *
 * A crash between the claim and the answer leaves `sending`, which nobody sends again: the message may
 * have gone out, and the digest names the group anyway. What is sent tells of causes and counts, never of
 * a document or a person.
 */
import type { Clock } from "../platform/clock.ts";
import { toStableId } from "../platform/effect-key.ts";
import { isConflict } from "../platform/table-store.ts";
import type { StoredRow, TableStore } from "../platform/table-store.ts";
import type { Telemetry } from "../platform/telemetry.ts";
import { meaningOf } from "./failure-codes.ts";
import type { FailureGroup } from "./group-failures.ts";
import type { NoticeChannel } from "./notice-channels.ts";

export interface NoticeOptions {
  readonly store: TableStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly channels: readonly NoticeChannel[];
  /** Open failures by cause. */
  readonly openGroups: () => Promise<readonly FailureGroup[]>;
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
    groups: readonly FailureGroup[],
    days: { readonly escalateDays: number; readonly failureBodyDays: number },
  ): Promise<void>;
  /** Once a day, to owners that have open failures. */
  sendDigest(): Promise<void>;
}

export const noticesTable = "notices";
const quietMs = 7 * 24 * 3_600_000;
/** The biggest groups; the console has them all. */
const maxLines = 30;
/** Groups that this process has noted lately; a burst of failures has few groups. */
const rememberedGroups = 1_000;

export function createOwnerNotices(options: NoticeOptions): OwnerNotices {
  const noted = new Map<string, number>();
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
    noteUndecided: async (groups, days) => {
      for (const channel of channels) {
        const own = groups.filter(
          ({ owner }) => owner === channel.owner || channel.owner === "integration",
        );
        await noteOld(options, channel.key, own, days);
      }
    },
    sendDue: async () => {
      for (const channel of channels) {
        const { rows } = await options.store.query(noticesTable, { partitionKey: channel.key });
        for (const row of rows.filter(({ columns }) => columns["state"] === "due")) {
          const { code, failures, target, text } = row.columns;
          const told = typeof text === "string" ? text : toNotice(String(code), String(target));
          await send(options, channel, row, told, Number(failures ?? 1));
        }
      }
    },
    sendDigest: async () => {
      const day = new Date(options.clock.now()).toISOString().slice(0, 10);
      const groups = await options.openGroups();
      for (const channel of channels) {
        const own = groups.filter((group) => group.owner === channel.owner);
        const row = own.length === 0 ? undefined : await claimDigest(options, channel.key, day);
        const count = own.reduce((sum, group) => sum + group.count, 0);
        if (row !== undefined) await send(options, channel, row, toDigest(day, own, count), count);
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

const oldPrefix = "old-";

async function noteOld(
  { clock, store }: NoticeOptions,
  partitionKey: string,
  groups: readonly FailureGroup[],
  days: { readonly escalateDays: number; readonly failureBodyDays: number },
): Promise<void> {
  const range = { partitionKey, from: oldPrefix, below: `${oldPrefix}~` };
  const { rows } = await store.query(noticesTable, range);
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
  for (const rowKey of [...known].filter((each) => !wanted.has(each))) {
    const keys = { partitionKey, rowKey };
    await ignoringConflicts(store.write(noticesTable, { kind: "delete", keys }));
  }
}

/** The digest's row, for whoever inserts it; undefined when it was sent, or is being sent, by another. */
async function claimDigest(
  { store, clock }: NoticeOptions,
  partitionKey: string,
  day: string,
): Promise<StoredRow | undefined> {
  const columns = { state: "due", at: new Date(clock.now()).toISOString() };
  const row = { partitionKey, rowKey: `digest-${day}`, columns };
  const keys = { partitionKey, rowKey: row.rowKey };
  await ignoringConflicts(store.write(noticesTable, { kind: "insert", row }));
  const stored = await store.get(noticesTable, keys);
  return stored?.columns["state"] === "due" ? stored : undefined;
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
  const isDigest = row.rowKey.startsWith("digest-");
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

async function ignoringConflicts(write: Promise<string>): Promise<string | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isConflict(error)) return undefined;
    throw error;
  }
}

/** A workflow may make up codes; what is no code may quote a document. */
export function toSafeCode(code: string): string {
  return /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "OTHER";
}

function toNotice(code: string, target: string): string {
  const { fixIn, meaning } = meaningOf(code);
  return `Causeway: new failures ${toSafeCode(code)} for ${target}. ${meaning} To be put right in ${fixIn}. The console lists the documents; docs/runbook.md says what to do.`;
}

function toUndecided(
  { code, count, firstAt, isAtLeast, owner, target, fixIn }: FailureGroup,
  { escalateDays, failureBodyDays }: { escalateDays: number; failureBodyDays: number },
): string {
  const since = new Date(firstAt).toISOString().slice(0, 10);
  return `Causeway: ${count}${isAtLeast ? " or more" : ""} failures ${toSafeCode(code)} for ${target} are undecided for more than ${escalateDays} days. The oldest is of ${since}; ${failureBodyDays} days after its failure its body is deleted. Owner: ${owner}. To be put right in ${fixIn}, or discarded. The console lists the documents; docs/runbook.md says what to do.`;
}

function toDigest(day: string, groups: readonly FailureGroup[], count: number): string {
  const lines = groups
    .slice(0, maxLines)
    .map(
      (group) =>
        `- ${toSafeCode(group.code)} for ${group.target}: ${group.count}${group.isAtLeast ? " or more" : ""}, oldest ${new Date(group.firstAt).toISOString().slice(0, 10)}, to be put right in ${group.fixIn}`,
    );
  return [`Causeway, ${day}: ${count} open failures wait for you.`, ...lines].join("\n");
}
