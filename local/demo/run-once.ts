import type { LocalAzure } from "../start-local-azure.ts";
import { checkWorld, type WorldCheck } from "./check-world.ts";
import { createScreen } from "./create-screen.ts";
import { createEffectAddress } from "./effect-address.ts";
import { createLedgerReader } from "./read-ledger.ts";
import { formatMs, renderTable } from "./render-table.ts";
import { followUntilSettled, postScenario } from "./run-scenarios.ts";
import { scenarios } from "./scenarios.ts";
import { connectSystems, type Systems } from "./systems.ts";
import type { TrackedEvent } from "./tracked-event.ts";

export interface OnceOptions {
  readonly isJson: boolean;
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly signal: AbortSignal;
}

/**
 * The account that is late comes after 15 s and is asked for again within half a minute of that; a machine that has
 * little time for us takes several times as long.
 */
const limitMs = 180_000;
const lineCount = scenarios.reduce((sum, { post }) => sum + post.lines, 0);

/** Posts the set, waits until every delivery is settled, and asks the systems themselves. Returns the exit code. */
export async function runOnce(azure: LocalAzure, options: OnceOptions): Promise<number> {
  const systems = connectSystems(azure.environment);
  const ledger = createLedgerReader(azure.environment.storage.connectionString);
  const addressOf = createEffectAddress(azure.environment);
  const screen = createScreen({ out: options.out, addressOf });
  const posted = await postAll(systems, options.signal);
  const events = await followUntilSettled(
    posted,
    {
      systems,
      readLedger: (ids) => ledger.read(ids),
      signal: options.signal,
      onChange: (changed) => screen.show(changed),
    },
    limitMs,
  );
  const check = await checkWorld(events, systems, lineCount);
  if (options.isJson) process.stdout.write(`${JSON.stringify(toJson(events, check))}\n`);
  // A live table already shows the end; a log gets it once.
  const isLive = options.out.isTTY === true;
  const table = isLive ? [] : ["", ...renderTable(events, { addressOf, links: false })];
  options.out.write(`${[...table, "", summary(events, check)].join("\n")}\n`);
  return check.problems.length === 0 ? 0 : 1;
}

/** All documents at once, then the endpoint test event; the late account is added when its time has come. */
export async function postAll(
  systems: Systems,
  signal: AbortSignal,
): Promise<readonly TrackedEvent[]> {
  const posted: TrackedEvent[] = [];
  for (const scenario of scenarios) {
    posted.push(await postScenario(scenario, systems));
    const { missingAccount } = scenario;
    if (missingAccount === undefined) continue;
    const timer = setTimeout(() => {
      systems.addAccount(missingAccount).catch((error: unknown) => {
        process.stderr.write(
          `the account ${missingAccount.accountnumber} could not be added: ${String(error)}\n`,
        );
      });
    }, missingAccount.appearsAfterMs);
    signal.addEventListener("abort", () => clearTimeout(timer));
  }
  await systems.sendTestEvent();
  return posted;
}

function summary(events: readonly TrackedEvent[], check: WorldCheck): string {
  const everywhere = events
    .map(({ targets }) => [...targets.values()])
    .filter(
      (targets) => targets.length === 3 && targets.every((each) => each.status === "delivered"),
    )
    .map((targets) => Math.max(...targets.map(({ ms }) => ms ?? Number.POSITIVE_INFINITY)));
  const first =
    everywhere.length === 0
      ? ""
      : `First document in all three targets ${formatMs(Math.min(...everywhere))} after it was sent. `;
  return [
    ...check.problems.map((problem) => `✗ ${problem}`),
    "The endpoint test event was acknowledged and did nothing.",
    `${first}Lost ${check.lost}, doubled ${check.duplicated}.`,
  ].join("\n");
}

function toJson(events: readonly TrackedEvent[], check: WorldCheck): object {
  return {
    events: events.map(({ eventId, businessEventId, businessKey, targets }) => ({
      eventId,
      businessEventId,
      businessKey,
      targets: Object.fromEntries(
        [...targets].map(([target, { status, reference, ms }]) => [
          target,
          { status: status === "healed" ? "delivered" : status, reference, ms },
        ]),
      ),
    })),
    lost: check.lost,
    duplicated: check.duplicated,
  };
}
