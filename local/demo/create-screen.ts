import type { EffectAddress } from "./render-table.ts";
import { renderTable } from "./render-table.ts";
import { isSettled, type TrackedEvent } from "./tracked-event.ts";

export interface Screen {
  /** The state of things; on a terminal the last one is drawn over. */
  show(events: readonly TrackedEvent[]): void;
  /** A line that stays. */
  note(line: string): void;
}

export interface ScreenOptions {
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly addressOf: EffectAddress;
  readonly footer?: string;
}

/** A live table on a terminal; elsewhere (a file, CI) one line for each document that is settled. */
export function createScreen(options: ScreenOptions): Screen {
  return options.out.isTTY === true ? createLiveTable(options) : createLineLog(options);
}

function createLiveTable({ out, addressOf, footer }: ScreenOptions): Screen {
  let drawn = 0;
  let last: readonly TrackedEvent[] = [];
  const erase = (): void => {
    if (drawn > 0) out.write(`\u001B[${drawn}A\u001B[J`);
    drawn = 0;
  };
  const show = (events: readonly TrackedEvent[]): void => {
    last = events;
    erase();
    const table = renderTable(events, { addressOf, links: true });
    const lines = footer === undefined ? table : [...table, "", footer];
    out.write(`${lines.join("\n")}\n`);
    drawn = lines.length;
  };
  return {
    show,
    note: (line) => {
      erase();
      out.write(`${line}\n`);
      if (last.length > 0) show(last);
    },
  };
}

function createLineLog({ out }: ScreenOptions): Screen {
  const told = new Set<string>();
  return {
    show: (events) => {
      for (const event of events.filter(isSettled)) {
        if (told.has(event.eventId)) continue;
        told.add(event.eventId);
        out.write(`… ${event.businessKey} settled (${told.size} of ${events.length})\n`);
      }
    },
    note: (line) => void out.write(`${line}\n`),
  };
}
