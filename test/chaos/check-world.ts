import type { Content, InvoiceRecord, LedgerRow, WorldSnapshot } from "./read-world.ts";

/** A document that the run posted, with the events that F&O got an acknowledgement for. */
export interface Accepted {
  readonly number: string;
  readonly lines: number;
  /** Where its mail goes; empty where the customer has no address, for which a rule skips the mail. */
  readonly mailTo: string;
  /** In lower case. */
  readonly eventIds: readonly string[];
  /** Which part of the run it belongs to. */
  readonly round: string;
}

export interface Verdict {
  readonly accepted: number;
  readonly effects: Readonly<Record<TargetName, number>>;
  readonly skipped: number;
  readonly failuresOpen: number;
  readonly lost: number;
  readonly doubled: number;
  /** Deliveries that are not settled, and whatever could not be judged. */
  readonly unchecked: number;
  /** Open failures by round and by `target CODE`. */
  readonly openCodes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly round: string;
  readonly kind: "lost" | "doubled" | "disagrees" | "unchecked" | "unexplained";
  readonly text: string;
}

const targetNames = ["ce", "crm", "email"] as const;
export type TargetName = (typeof targetNames)[number];

/** Failures whose own words are that the target may hold the document: nobody knows, or more than once. */
const saysThatItMayBeThere: ReadonlySet<string> = new Set(["OUTCOME_UNKNOWN", "CRM_AMBIGUOUS"]);

/** Ends of a delivery that leave one effect in the world. */
const withEffect: ReadonlySet<string> = new Set(["delivered", "superseded"]);

/** The one rule of the run's flow that leaves a delivery out. */
const rightSkip = { target: "email", rule: "NO_RECIPIENT" } as const;

/**
 * Judges every accepted document by what stands in the systems, in the ledger and in the failure store:
 * one effect, one open failure or a skip with its rule, per target, and the ledger says which. `mayLeave`: the codes of
 * failures that a round's faults may leave open; what else failed should have been tried until it went. Pure, so that
 * tests can plant what must not be.
 */
export function checkWorld(
  documents: readonly Accepted[],
  world: WorldSnapshot,
  mayLeave: (round: string) => ReadonlySet<string>,
): Verdict {
  const index = toIndex(world);
  const problems: Problem[] = [];
  const tally = { skipped: 0, failuresOpen: 0, lost: 0, doubled: 0, unchecked: 0 };
  const effects = { ce: 0, crm: 0, email: 0 };
  const openCodes: Record<string, Record<string, number>> = {};
  const countOpen = (rows: readonly LedgerRow[], round: string, tell: Tell): void => {
    for (const { target, code } of findOpen(rows, index, tell)) {
      tally.failuresOpen += 1;
      const ofRound = (openCodes[round] ??= {});
      ofRound[`${target} ${code}`] = (ofRound[`${target} ${code}`] ?? 0) + 1;
      if (!mayLeave(round).has(code))
        tell("disagrees", `${target} failed with ${code}, which no fault of its round explains`);
    }
  };
  for (const document of documents) {
    const { number, round } = document;
    const tell = (kind: Problem["kind"], text: string): void => {
      problems.push({ round, kind, text: `${number}: ${text}` });
      if (kind === "lost") tally.lost += 1;
      if (kind === "unchecked") tally.unchecked += 1;
    };
    const posted = world.finance.get(number);
    if (posted === undefined) tell("unchecked", "F&O does not know the document");
    const events = document.eventIds.map((eventId) => index.rows.get(eventId) ?? noRows);
    for (const [position, rows] of events.entries()) {
      const intake = rows.get("intake");
      if (intake === undefined)
        tell("lost", `event ${document.eventIds[position] ?? ""} is in no ledger`);
      else if (!isSettled(intake)) tell("unchecked", `its intake is ${intake.state}`);
    }
    const atIntake = events.flatMap((rows) => rows.get("intake") ?? []);
    countOpen(atIntake, round, tell);
    for (const target of targetNames) {
      const found = index.effects[target].get(number) ?? [];
      effects[target] += found.length;
      if (found.length > 1) {
        tally.doubled += found.length - 1;
        tell("doubled", `${target} holds it ${found.length} times`);
      }
      const rows = events.flatMap((each) => each.get(target) ?? []);
      const published = atIntake.filter(({ state }) => state === "published").length;
      if (rows.length < published)
        tell("lost", `${target} has no ledger row for one of its events`);
      const end = judge(target, rows, found, { ...document, posted }, tell);
      if (end === "skipped") tally.skipped += 1;
      countOpen(rows, round, tell);
    }
  }
  problems.push(...findUnexplained(documents, world), ...findStanding(world));
  return { accepted: documents.length, effects, ...tally, openCodes, problems };
}

interface Effect {
  /** As the ledger's reference should name it. */
  readonly id: string;
  /** Undefined for a mail. */
  readonly content: Content | undefined;
  /** Of a mail. */
  readonly to: string | undefined;
}

interface Expected extends Accepted {
  /** Undefined when F&O does not know the document. */
  readonly posted: Content | undefined;
}

interface Index {
  readonly rows: ReadonlyMap<string, ReadonlyMap<string, LedgerRow>>;
  readonly effects: Readonly<Record<TargetName, ReadonlyMap<string, readonly Effect[]>>>;
  readonly openFailures: ReadonlySet<string>;
}

const noRows: ReadonlyMap<string, LedgerRow> = new Map();

type Tell = (kind: Problem["kind"], text: string) => void;

/** Compares the deliveries of one document to one target with the effects found there. */
function judge(
  target: TargetName,
  rows: readonly LedgerRow[],
  found: readonly Effect[],
  document: Expected,
  tell: Tell,
): "delivered" | "skipped" | "other" {
  for (const row of rows.filter((each) => !isSettled(each))) {
    tell("unchecked", `${target} is ${row.state} (${row.code}), hop ${row.hop}`);
  }
  const delivered = rows.filter(({ state }) => withEffect.has(state));
  const [effect] = found;
  if (delivered.length > 0) {
    if (effect === undefined) {
      tell("lost", `the ledger says ${target} has it, and it is not there`);
      return "other";
    }
    const stray = delivered.find(
      ({ reference }) => !found.some(({ id }) => id.toLowerCase() === reference.toLowerCase()),
    );
    if (stray !== undefined) {
      tell(
        "disagrees",
        `the ledger names ${stray.reference} in ${target}, which is another record`,
      );
    }
    compare(target, effect, document, tell);
    return "delivered";
  }
  const isDoubtful = rows.some(({ code }) => saysThatItMayBeThere.has(code));
  if (effect !== undefined && rows.length > 0 && rows.every(isSettled) && !isDoubtful) {
    const states = rows.map(({ state, code, rule }) => `${state} ${code}${rule}`).join(", ");
    tell("disagrees", `${target} holds it, and the ledger says ${states}`);
  }
  const skipped = rows.filter(({ state }) => state === "skipped");
  for (const { rule } of skipped) {
    const isRight =
      target === rightSkip.target && rule === rightSkip.rule && document.mailTo === "";
    if (!isRight) tell("disagrees", `${target} was skipped by ${rule === "" ? "no rule" : rule}`);
  }
  return skipped.length > 0 ? "skipped" : "other";
}

/** What is there has to be the document: each of its lines, its amount, and for whom it is. */
function compare(
  target: TargetName,
  { content, to }: Effect,
  { lines, mailTo, posted }: Expected,
  tell: Tell,
): void {
  if (to !== undefined && to !== mailTo) {
    tell("disagrees", `it was mailed to ${to}, and is for ${mailTo}`);
  }
  if (content === undefined || posted === undefined) return;
  const differs = (what: string, there: unknown, wanted: unknown): void => {
    if (there === wanted) return;
    tell("disagrees", `${target} holds ${what} ${String(there)}, and F&O ${String(wanted)}`);
  };
  if (content.lines.length !== lines) {
    tell("disagrees", `${target} holds ${content.lines.length} of its ${lines} lines`);
  } else differs("lines", content.lines.join(", "), posted.lines.join(", "));
  differs("total", content.total, posted.total);
  differs("account", content.account, posted.account);
}

/** Every failed row has its story in the store. */
function findOpen(rows: readonly LedgerRow[], index: Index, tell: Tell): readonly LedgerRow[] {
  return rows.filter((row) => {
    if (row.state !== "failed") return false;
    if (index.openFailures.has(row.failureId)) return true;
    tell("lost", `${row.target} failed (${row.code}), and no open failure tells of it`);
    return false;
  });
}

/** A failure that stands though its delivery has ended otherwise: a person would replay what is done. */
function findStanding(world: WorldSnapshot): readonly Problem[] {
  const told = new Set(
    world.ledger.filter(({ state }) => state === "failed").map(({ failureId }) => failureId),
  );
  return world.failures
    .filter(({ status, failureId }) => status === "replaying" || isOpenFor(status, failureId, told))
    .map(({ code, target, status, eventId }) => ({
      round: "",
      kind: "disagrees",
      text: `a failure ${code} of ${target} is ${status}, and its delivery (event ${eventId}) has not failed`,
    }));
}

function isOpenFor(status: string, failureId: string, told: ReadonlySet<string>): boolean {
  return status === "open" && !told.has(failureId);
}

function isSettled({ state }: LedgerRow): boolean {
  return (
    state === "published" ||
    state === "skipped" ||
    state === "failed" ||
    state === "discarded" ||
    withEffect.has(state)
  );
}

/** What nobody posted, and stories of nothing. */
function findUnexplained(documents: readonly Accepted[], world: WorldSnapshot): readonly Problem[] {
  const numbers = new Set(documents.map(({ number }) => number));
  const events = new Set(documents.flatMap(({ eventIds }) => eventIds));
  const strays = [
    ...world.ce.map(({ number }) => [number, "ce"] as const),
    ...world.crm.map(({ number }) => [number, "crm"] as const),
    ...world.mails.map(({ number }) => [number, "email"] as const),
  ].filter(([number]) => !numbers.has(number));
  const stories = world.failures.filter(({ eventId }) => !events.has(eventId));
  const problem = (text: string): Problem => ({ round: "", kind: "unexplained", text });
  return [
    ...strays.map(([number, target]) => problem(`${target} holds ${number}, which nobody posted`)),
    ...stories.map(({ code, reason }) => problem(`a failure ${code} of no event: ${reason}`)),
  ];
}

function toIndex(world: WorldSnapshot): Index {
  const rows = new Map<string, Map<string, LedgerRow>>();
  for (const row of world.ledger) {
    const known = rows.get(row.eventId) ?? new Map<string, LedgerRow>();
    rows.set(row.eventId, known.set(row.target, row));
  }
  return {
    rows,
    effects: {
      ce: groupEffects(world.ce.map(toEffect)),
      crm: groupEffects(world.crm.map(toEffect)),
      email: groupEffects(
        world.mails.map(({ operationId, number, to }) => ({
          ...{ id: operationId, number, to },
          content: undefined,
        })),
      ),
    },
    openFailures: new Set(
      world.failures.filter(({ status }) => status === "open").map(({ failureId }) => failureId),
    ),
  };
}

function toEffect(record: InvoiceRecord): Effect & { readonly number: string } {
  const { id, number } = record;
  return { id, number, content: record, to: undefined };
}

function groupEffects(
  records: readonly (Effect & { readonly number: string })[],
): ReadonlyMap<string, readonly Effect[]> {
  const groups = new Map<string, Effect[]>();
  for (const { number, ...effect } of records) {
    groups.set(number, [...(groups.get(number) ?? []), effect]);
  }
  return groups;
}
