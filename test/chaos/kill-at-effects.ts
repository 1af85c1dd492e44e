import { pauseBetween, type ChaosContext } from "./chaos-fault.ts";
import { killOne } from "./kill-one.ts";
import { whenHostIsReady } from "./when-host-is-ready.ts";
import { isWorkOver } from "./while-working.ts";

/** The systems where an effect is made: the host dies just before or just after one. */
const places = ["dataverse", "workflows", "crm", "mail"] as const;
const moments = ["before", "after"] as const;

interface Effect {
  readonly place: (typeof places)[number];
  readonly moment: (typeof moments)[number];
  kills: number;
}

const mostTurns = 40;
/** In a row, after the flow, with the ledger away for longer than a moment: there is no effect to meet then. */
const mostVainTurns = 3;
const hitLimitMs = 5_000;
/** After the flow: then a gate may have to open first, and locks of killed hosts to run out. */
const patienceMs = 1_500;
const stepMs = 20_000;

/**
 * Kills the host before and after effects. In a round of its own it goes on until it has met each of them at each of
 * the places; beside other faults, one before and one after will do.
 */
export async function killAtEffects(context: ChaosContext, mostKills: number): Promise<void> {
  const { control, random, isOnly, isFlowOver, note, complain } = context;
  const effects = moments.flatMap((moment) =>
    places.map((place): Effect => ({ place, moment, kills: 0 })),
  );
  const count = (wanted: readonly Effect[]): number =>
    wanted.reduce((sum, { kills }) => sum + kills, 0);
  const at = (moment: Effect["moment"]): readonly Effect[] =>
    effects.filter((effect) => effect.moment === moment);
  /** Those of which one has to be met yet. */
  const missing = (): readonly Effect[] =>
    isOnly
      ? effects.filter(({ kills }) => kills === 0)
      : moments.flatMap((moment) => (count(at(moment)) === 0 ? at(moment) : []));
  let vain = 0;
  let hasHit = true;
  for (let turn = 0; turn < mostTurns && vain < mostVainTurns; turn += 1) {
    const wanted = missing();
    const isOver = isWorkOver(context) || (!hasHit && isFlowOver());
    if (wanted.length === 0 && (count(effects) >= mostKills || isOver)) break;
    await whenHostIsReady(context);
    const effect = random.pick(wanted.length > 0 ? wanted : effects);
    hasHit = await killAtEffect(context, effect);
    if (hasHit) effect.kills += 1;
    const canHit = !isFlowOver() || !control.isStorageAway();
    vain = hasHit || canHit ? 0 : vain + 1;
  }
  const tell = (moment: Effect["moment"]): string =>
    `${moment} an effect ${at(moment)
      .map(({ place, kills }) => `${place} ${kills}`)
      .join("/")}`;
  note(`kills ${moments.map(tell).join(", ")}`);
  if (vain === mostVainTurns && !context.hasToMeet) return;
  const names = missing().map(({ place, moment }) => `${moment} an effect in ${place}`);
  if (names.length > 0) complain(`the host was never killed ${names.join(", ")}`);
}

/**
 * Kills the host at the next write to one of the systems, when it has come or when it has been carried out; the
 * caller gets no answer. False when none came. Once the flow is over there may be nothing left to do: a document
 * of its own then gives it something.
 */
async function killAtEffect(context: ChaosContext, { place, moment }: Effect): Promise<boolean> {
  const { control, post, time, isFlowOver } = context;
  const beganAt = performance.now();
  const mayMoveTime = isFlowOver() && !control.isStorageAway();
  const posting = isFlowOver() ? post({ doors: ["serviceBus"], hasAddress: true }) : undefined;
  let isHit = false;
  const afterEffect = moment === "after";
  // Over whatever another fault of the round has set there.
  const takeAway = control.faults[place].over(
    { reset: true, onlyWrites: true, afterEffect },
    () => {
      if (isHit) return;
      isHit = true;
      killOne(context);
      takeAway();
    },
  );
  const hasHit = (): boolean => isHit;
  while (!hasHit() && performance.now() < beganAt + hitLimitMs) {
    await pauseBetween(context, 20, 60);
    if (mayMoveTime && !hasHit() && performance.now() > beganAt + patienceMs)
      await time.advance(stepMs);
  }
  takeAway();
  await posting;
  return hasHit();
}
