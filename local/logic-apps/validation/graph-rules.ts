import type { Inspection, PlacedAction } from "./problem.ts";

const statuses = new Set(["succeeded", "failed", "skipped", "timedout"]);

/** `runAfter` names siblings with at least one status each, and never leads back to where it began. */
export function checkGraph(inspection: Inspection): void {
  for (const placed of inspection.actions) checkRunAfter(inspection, placed);
  checkCycles(inspection);
}

function checkRunAfter({ report }: Inspection, placed: PlacedAction): void {
  for (const [name, allowed] of Object.entries(placed.action.runAfter ?? {})) {
    const path = `${placed.path}/runAfter/${name}`;
    if (placed.siblings[name] === undefined) {
      report(path, `'${name}' is not an action beside '${placed.name}'.`);
    }
    if (!Array.isArray(allowed) || allowed.length === 0) {
      report(path, "A list of at least one status is needed.");
      continue;
    }
    for (const status of allowed as readonly unknown[]) {
      if (typeof status !== "string" || !statuses.has(status.toLowerCase())) {
        report(path, `'${String(status)}' is not one of Succeeded, Failed, Skipped, TimedOut.`);
      }
    }
  }
}

function checkCycles({ actions, report }: Inspection): void {
  const done = new Set<PlacedAction>();
  const visit = (placed: PlacedAction, trail: readonly PlacedAction[]): void => {
    if (done.has(placed)) return;
    const at = trail.indexOf(placed);
    if (at >= 0) {
      const names = [...trail.slice(at), placed].map((step) => step.name).join(" → ");
      report(`${placed.path}/runAfter`, `The actions wait for each other: ${names}.`);
      return;
    }
    for (const before of predecessorsOf(placed, actions)) visit(before, [...trail, placed]);
    done.add(placed);
  };
  for (const placed of actions) visit(placed, []);
}

function predecessorsOf(
  placed: PlacedAction,
  actions: readonly PlacedAction[],
): readonly PlacedAction[] {
  const names = Object.keys(placed.action.runAfter ?? {});
  return actions.filter(
    (other) => other.siblings === placed.siblings && names.includes(other.name),
  );
}
