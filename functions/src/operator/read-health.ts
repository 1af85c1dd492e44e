/*
 * What `/api/health` says, to anybody who asks: ok or not, and which part is not by its code. No address, no
 * count, no version. An answer is good for ten seconds, so that asking often costs nothing and tells an
 * outsider nothing about load.
 */
import { CausewayError } from "../platform/causeway-error.ts";
import type { Clock } from "../platform/clock.ts";

export type HealthErrorCode =
  /** Azure has not put a secret in the place of the reference to it. */
  | "SECRET_UNRESOLVED"
  /** A part did not answer within five seconds. */
  | "PART_SILENT";

export interface SickPart {
  readonly part: string;
  readonly code: string;
}

export interface Health {
  /** `degraded`: events go on, something beside them does not. */
  readonly status: "ok" | "degraded" | "notOk";
  readonly parts: readonly SickPart[];
}

/** Rejects when the part is not well; the error's code is told. */
export type HealthCheck = () => Promise<unknown>;

export interface HealthOptions {
  readonly clock: Clock;
  /** Without them no event comes through. */
  readonly vital: Readonly<Record<string, HealthCheck>>;
  readonly unresolvedSettings: readonly string[];
}

const freshMs = 10_000;
const patienceMs = 5_000;

export function createHealth(options: HealthOptions): () => Promise<Health> {
  const { clock } = options;
  let last: { readonly at: number; readonly health: Promise<Health> } | undefined;
  return () => {
    if (last === undefined || clock.now() - last.at >= freshMs) {
      last = { at: clock.now(), health: readHealth(options) };
    }
    return last.health;
  };
}

/** The answer of an app that could not even be put together. */
export function toUnstartedHealth(error: unknown): Health {
  return { status: "notOk", parts: [{ part: "start", code: toCode(error) }] };
}

async function readHealth({ clock, unresolvedSettings, vital }: HealthOptions): Promise<Health> {
  const found = await Promise.all(
    Object.entries(vital).map(async ([part, check]) => ({ part, code: await look(clock, check) })),
  );
  const sick = found.flatMap(({ part, code }) => (code === undefined ? [] : [{ part, code }]));
  const code = "SECRET_UNRESOLVED" satisfies HealthErrorCode;
  const beside = unresolvedSettings.length === 0 ? [] : [{ part: "secrets", code }];
  const status = sick.length > 0 ? "notOk" : beside.length > 0 ? "degraded" : "ok";
  return { status, parts: [...sick, ...beside] };
}

/** The code of what is wrong. */
async function look(clock: Clock, check: HealthCheck): Promise<string | undefined> {
  const answered = new AbortController();
  const silent = clock.sleep(patienceMs, answered.signal).then(
    () => "PART_SILENT" satisfies HealthErrorCode,
    () => undefined,
  );
  const looked = check().then(() => undefined, toCode);
  const code = await Promise.race([looked, silent]);
  answered.abort();
  return code;
}

/** Codes of ours only: other errors' names and texts may say more than a stranger may know. */
function toCode(error: unknown): string {
  return error instanceof CausewayError ? String(error.code) : "FAILED";
}
