import { emitKeypressEvents } from "node:readline";
import pc from "picocolors";
import type { LocalAzure } from "../start-local-azure.ts";
import { createScreen } from "./create-screen.ts";
import { createEffectAddress } from "./effect-address.ts";
import { createLedgerReader } from "./read-ledger.ts";
import { followUntilSettled, postScenario, type DemoPorts } from "./run-scenarios.ts";
import { postAll } from "./run-once.ts";
import { connectSystems } from "./systems.ts";
import type { TrackedEvent } from "./tracked-event.ts";

const hint = "p post an invoice · b break CE · h heal it · q quit";
const foreverMs = 365 * 24 * 60 * 60 * 1000;

/** The set, live, until the person quits. */
export async function watch(
  azure: LocalAzure,
  { out, stop }: { readonly out: NodeJS.WriteStream; readonly stop: AbortController },
): Promise<void> {
  const systems = connectSystems(azure.environment);
  const ledger = createLedgerReader(azure.environment.storage.connectionString);
  const addressOf = createEffectAddress(azure.environment);
  const screen = createScreen({ out, addressOf, footer: pc.dim(hint) });
  let events: readonly TrackedEvent[] = [];
  const follow = async (added: readonly TrackedEvent[]): Promise<void> => {
    events = [...events, ...added];
    const ports: DemoPorts = {
      systems,
      readLedger: (ids) => ledger.read(ids),
      signal: stop.signal,
      onChange: (changed) => {
        const byId = new Map(changed.map((event) => [event.eventId, event]));
        events = events.map((event) => byId.get(event.eventId) ?? event);
        screen.show(events);
      },
    };
    await followUntilSettled(added, ports, foreverMs);
  };
  const run = (work: Promise<unknown>): void => {
    work.catch((error: unknown) => screen.note(pc.red(String(error))));
  };
  const onKey = (key: string): void => {
    if (key === "q") stop.abort();
    if (key === "p") {
      const scenario = {
        name: "posted by hand",
        post: { kind: "sales", company: "usmf", customer: "US-001", lines: 2 },
        expected: { ce: "delivered", crm: "delivered", email: "delivered" },
      } as const;
      run(postScenario(scenario, systems).then((event) => follow([event])));
    }
    if (key === "b")
      run(
        systems
          .setFault("dataverse", { status: 503, retryAfter: 5 })
          .then(() => screen.note("CE answers 503 from now on")),
      );
    if (key === "h")
      run(systems.setFault("dataverse", undefined).then(() => screen.note("CE is well again")));
  };
  const keys = listenForKeys(onKey, stop);
  try {
    run(postAll(systems, stop.signal).then(follow));
    await new Promise((resolve) => {
      stop.signal.addEventListener("abort", resolve);
      if (stop.signal.aborted) resolve(undefined);
    });
  } finally {
    keys.close();
  }
}

function listenForKeys(onKey: (key: string) => void, stop: AbortController): { close(): void } {
  const { stdin } = process;
  // Without a terminal there are no keys, and an unread pipe must not end the run.
  if (!stdin.isTTY) {
    const hold = setInterval(() => undefined, 2 ** 30);
    return { close: () => clearInterval(hold) };
  }
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  const listener = (
    _text: string,
    key: { readonly name?: string; readonly ctrl?: boolean },
  ): void => {
    if (key.ctrl === true && key.name === "c") stop.abort();
    else onKey(key.name ?? "");
  };
  stdin.on("keypress", listener);
  stdin.resume();
  return {
    close: () => {
      stdin.off("keypress", listener);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
